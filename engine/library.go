package engine

import (
	"fmt"

	"github.com/streamvet/streamvet/engine/infer"
	"github.com/streamvet/streamvet/models"
)

// addNetwork loads a learned detector; the first one opens ONNX Runtime.
func (e *Engine) addNetwork(d models.Detector) error {
	if e.library == nil {
		lib, err := infer.Open(e.config.ORTLibrary, infer.Options{IntraOpThreads: e.config.InferenceThreads})
		if err != nil {
			return fmt.Errorf("detector %s is a network: %w", d.Name, err)
		}
		e.library = lib
	}
	n, err := openNetwork(e.library, e.device, d, e.config.Logger)
	if err != nil {
		return err
	}
	e.networks = append(e.networks, n)
	return nil
}
