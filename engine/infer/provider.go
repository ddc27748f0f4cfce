package infer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

// cudaOptions are those of the CUDA provider for one session.
func cudaOptions(o Options, ordinal int, stream uintptr) map[string]string {
	m := map[string]string{
		"device_id": strconv.Itoa(ordinal),
		// The stream counts only together with the word that there is one, and every
		// update sets all that it does not name to defaults: so all at once.
		"has_user_compute_stream": "1",
		"user_compute_stream":     strconv.FormatUint(uint64(stream), 10),
		// Trying out all algorithms for each new size takes seconds.
		"cudnn_conv_algo_search": "HEURISTIC",
		"arena_extend_strategy":  "kSameAsRequested",
		// TF32 rounds inputs to 10 bits: scores would not be the CPU's.
		"use_tf32": "0",
	}
	if o.MemoryLimit > 0 {
		m["gpu_mem_limit"] = strconv.FormatInt(o.MemoryLimit, 10)
	}
	if o.Graphs && o.Provider == CUDA {
		m["enable_cuda_graph"] = "1"
	}
	return m
}

// tensorrtOptions are those of the TensorRT provider for one session.
func tensorrtOptions(o Options, detector string, ordinal int, stream uintptr) map[string]string {
	m := map[string]string{
		"device_id":               strconv.Itoa(ordinal),
		"has_user_compute_stream": "1",
		"user_compute_stream":     strconv.FormatUint(uint64(stream), 10),
	}
	if o.MemoryLimit > 0 {
		m["trt_max_workspace_size"] = strconv.FormatInt(o.MemoryLimit, 10)
	}
	if o.Graphs {
		m["trt_cuda_graph_enable"] = "1"
	}
	if o.EngineCache != "" {
		m["trt_engine_cache_enable"], m["trt_timing_cache_enable"] = "1", "1"
		m["trt_engine_cache_path"], m["trt_timing_cache_path"] = o.EngineCache, o.EngineCache
		m["trt_engine_cache_prefix"] = detector
	}
	return m
}

// addCUDA makes the CUDA provider compute a session.
func addCUDA(to *ort.SessionOptions, want map[string]string) error {
	o, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer o.Destroy()
	// Update says what is missing, append only that something is.
	if err := o.Update(want); err != nil {
		return err
	}
	var text *C.char
	if err := failure(C.infer_cuda_options(*(**C.OrtCUDAProviderOptionsV2)(unsafe.Pointer(o)), &text)); err != nil {
		return err
	}
	if err := took(text, want); err != nil {
		return err
	}
	return to.AppendExecutionProviderCUDA(o)
}

// addTensorRT makes the TensorRT provider compute what it can of a session.
func addTensorRT(to *ort.SessionOptions, want map[string]string) error {
	o, err := newTensorRT(want)
	if err != nil {
		return err
	}
	defer o.Destroy()
	return to.AppendExecutionProviderTensorRT(o)
}

// newTensorRT makes the provider's options.
func newTensorRT(want map[string]string) (*ort.TensorRTProviderOptions, error) {
	o, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return nil, err
	}
	err = o.Update(want)
	var text *C.char
	if err == nil {
		err = failure(C.infer_tensorrt_options(*(**C.OrtTensorRTProviderOptionsV2)(unsafe.Pointer(o)), &text))
	}
	if err == nil {
		err = took(text, want)
	}
	if err != nil {
		return nil, errors.Join(err, o.Destroy())
	}
	return o, nil
}

// took frees the text with the options that a provider will use, and holds them to
// those that were asked for: some are ignored without a word.
func took(text *C.char, want map[string]string) error {
	defer C.free(unsafe.Pointer(text))
	return compareOptions(C.GoString(text), want)
}

func compareOptions(text string, want map[string]string) error {
	got := map[string]string{}
	for _, pair := range strings.Split(text, ";") {
		name, value, _ := strings.Cut(pair, "=")
		got[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		// Not all are told; that of the stream must be.
		if value, told := got[name]; (told || name == "user_compute_stream") && value != want[name] {
			return fmt.Errorf("the provider took %s=%q where %q was asked for", name, value, want[name])
		}
	}
	return nil
}

// makeCache makes the folder for TensorRT's engines, or tells why nobody should
// trust what lies in it.
func makeCache(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(abs, 0o700)
	}
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(abs)
	}
	if err != nil {
		return "", fmt.Errorf("the engine cache: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return "", fmt.Errorf("the engine cache %s is not a folder", abs)
	case info.Mode().Perm()&0o022 != 0:
		return "", fmt.Errorf("others may write to the engine cache %s (%v), and engines are code: chmod go-w it, or name another folder", abs, info.Mode().Perm())
	case ok && int(owner.Uid) != os.Geteuid() && owner.Uid != 0:
		return "", fmt.Errorf("the engine cache %s belongs to user %d, and engines are code: name a folder of your own", abs, owner.Uid)
	}
	return abs, nil
}

// fixSignals lets the handlers that a library may have installed run on Go's signal
// stacks, and counts those that would not have.
func fixSignals() int { return int(C.infer_fix_signals()) }

// shapeWork are operators that compute with shapes where the CUDA provider leaves
// them to the CPU: operators such as TopK and Reshape want those in host memory.
var shapeWork = []string{"Shape", "Gather", "Min", "Max", "Concat", "Slice", "Squeeze", "Unsqueeze", "Cast", "Add", "Sub", "Mul", "Div", "Clip", "Range", "ConstantOfShape"}

// tellOfCPU logs the operators of a session on a GPU that run on the CPU. Beyond
// the arithmetic of shapes each costs a way to the host and back.
func (s *Session) tellOfCPU(p *program) error {
	name := C.CString("CPUExecutionProvider")
	defer C.free(unsafe.Pointer(name))
	var text *C.char
	if err := failure(C.infer_left_to(handle(p.ort), name, &text)); err != nil {
		return errors.Join(err, taken(text))
	}
	defer C.free(unsafe.Pointer(text))
	operators := strings.Fields(C.GoString(text))
	costly := slices.ContainsFunc(operators, func(o string) bool { return !slices.Contains(shapeWork, o) })
	log := s.library.options.Logger.With("detector", s.spec.Name, "provider", s.on.String(), "operators", operators)
	switch {
	case costly:
		log.Warn("a part of the network runs on the CPU, with copies to the host and back in each run")
	case len(operators) > 0:
		log.Debug("shapes are computed on the CPU")
	}
	return nil
}
