package trial

import (
	"time"

	"github.com/streamvet/streamvet/models"
)

// longestQueue lets batches fill before they are run.
const longestQueue = time.Second

// changed is the detector with a network that change has been at.
func changed(d models.Detector, change func(*models.Network)) models.Detector {
	if d.Network != nil {
		n := *d.Network
		change(&n)
		d.Network = &n
	}
	return d
}

// eager looks at every picture, so that a trial is short.
func eager(d models.Detector) models.Detector {
	if d.Input != "picture" {
		return d
	}
	return changed(d, func(n *models.Network) { n.Sampling.Every = 1 })
}

// batched runs batches of so many rows, which wait for so long to fill.
func batched(d models.Detector, size int, delay time.Duration) models.Detector {
	return changed(d, func(n *models.Network) { n.Batch = models.Batch{MaxSize: size, MaxQueueDelay: delay} })
}

// halved runs the variant in half precision, on whatever device.
func halved(d models.Detector) models.Detector {
	d.ONNX = d.HalfONNX
	return changed(d, func(n *models.Network) { n.File, n.SHA256 = n.Half.File, n.Half.SHA256 })
}
