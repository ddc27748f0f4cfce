package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// detectors is DetectorService.
type detectors struct {
	streamvetv1.UnimplementedDetectorServiceServer
	*Services

	mu      sync.Mutex // held while the lineup changes
	loaded  []loadedDetector
	shadows []loadedDetector
	refused []models.Refused
}

// loadedDetector is one that is in force, or a shadow.
type loadedDetector struct {
	models.Detector
	since time.Time
	over  chan struct{} // of a shadow: closed when it goes
}

func newDetectors(s *Services) *detectors {
	d := &detectors{Services: s}
	for _, one := range s.Engine.Detectors() {
		d.loaded = append(d.loaded, loadedDetector{Detector: one, since: s.started})
	}
	return d
}

func (s *detectors) ListDetectors(context.Context, *streamvetv1.ListDetectorsRequest) (*streamvetv1.ListDetectorsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	response := &streamvetv1.ListDetectorsResponse{}
	for _, d := range s.loaded {
		response.Detectors = append(response.Detectors, s.tell(d, false))
		if i := indexOf(s.shadows, d.Name); i >= 0 {
			response.Detectors = append(response.Detectors, s.tell(s.shadows[i], true))
		}
	}
	for _, r := range s.refused {
		response.Refused = append(response.Refused, s.tellRefused(r))
	}
	return response, nil
}

func (s *detectors) LoadDetector(ctx context.Context, r *streamvetv1.LoadDetectorRequest) (*streamvetv1.LoadDetectorResponse, error) {
	if s.Detectors == "" {
		return nil, fail(codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN, "the server has no detector directory: start it with one")
	}
	d, err := models.LoadOne(s.Detectors, r.GetPath())
	if err != nil {
		return nil, s.failedDetector(ctx, err)
	}
	next := loadedDetector{Detector: d, since: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	loaded, shadows := slices.Clone(s.loaded), without(s.shadows, d.Name)
	switch i := indexOf(loaded, d.Name); {
	case r.GetShadow() && i < 0:
		return nil, fail(codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_SHADOW, "no detector %s is loaded that it could be the shadow of: load it without shadow", d.Name)
	case r.GetShadow():
		next.over = make(chan struct{})
		shadows = append(shadows, next)
	case i < 0:
		loaded = append(loaded, next)
	default:
		loaded[i] = next
	}
	if err := s.use(loaded, shadows); err != nil {
		return nil, s.failedDetector(ctx, err)
	}
	s.Logger.Info("detector loaded", "detector", d.Name, "version", d.Version, "shadow", r.GetShadow())
	return &streamvetv1.LoadDetectorResponse{Detector: s.tell(next, r.GetShadow())}, nil
}

func (s *detectors) UnloadDetector(ctx context.Context, r *streamvetv1.UnloadDetectorRequest) (*streamvetv1.UnloadDetectorResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	loaded, shadows := s.loaded, without(s.shadows, r.GetName())
	switch {
	case indexOf(loaded, r.GetName()) < 0:
		return nil, unknownDetector(r.GetName())
	case r.GetShadow() && len(shadows) == len(s.shadows):
		return nil, noShadow(r.GetName())
	case !r.GetShadow() && len(loaded) == 1:
		return nil, fail(codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_LAST, "%s is the last detector: load another one first", r.GetName())
	case !r.GetShadow():
		loaded = without(loaded, r.GetName())
	}
	if err := s.use(loaded, shadows); err != nil {
		return nil, s.failedDetector(ctx, err)
	}
	s.Logger.Info("detector unloaded", "detector", r.GetName(), "shadow", r.GetShadow())
	return &streamvetv1.UnloadDetectorResponse{}, nil
}

func unknownDetector(name string) error {
	return fail(codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN, "no detector %s is loaded", name)
}

func noShadow(name string) error {
	return fail(codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_SHADOW, "the detector %s has no shadow: load one with shadow", name)
}

func (s *detectors) ReloadDetectors(ctx context.Context, _ *streamvetv1.ReloadDetectorsRequest) (*streamvetv1.ReloadDetectorsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted, refused, err := s.read()
	if err != nil {
		return nil, s.failedDetector(ctx, err)
	}
	response := &streamvetv1.ReloadDetectorsResponse{}
	var loaded []loadedDetector
	for _, d := range wanted {
		if i := indexOf(s.loaded, d.Name); i >= 0 && same(s.loaded[i].Detector, d) {
			loaded = append(loaded, s.loaded[i])
			continue
		}
		loaded = append(loaded, loadedDetector{Detector: d, since: time.Now()})
		response.Loaded = append(response.Loaded, d.Name)
	}
	for _, r := range refused { // what ran before goes on
		name := filepath.Base(r.Folder)
		if i := indexOf(s.loaded, name); i >= 0 && indexOf(loaded, name) < 0 {
			loaded = append(loaded, s.loaded[i])
		}
		response.Refused = append(response.Refused, s.tellRefused(r))
	}
	for _, d := range s.loaded {
		if indexOf(loaded, d.Name) < 0 {
			response.Unloaded = append(response.Unloaded, d.Name)
		}
	}
	shadows := slices.DeleteFunc(slices.Clone(s.shadows), func(d loadedDetector) bool { return indexOf(loaded, d.Name) < 0 })
	if len(loaded) == 0 {
		return nil, fail(codes.FailedPrecondition, streamvetv1.ErrorReason_ERROR_REASON_LAST, "the detector directory would leave no detector: the ones that run stay")
	}
	if len(response.Loaded)+len(response.Unloaded) > 0 {
		if err := s.use(loaded, shadows); err != nil {
			return nil, s.failedDetector(ctx, err)
		}
	}
	s.refused = refused
	s.Logger.Info("detectors reloaded", "loaded", response.Loaded, "unloaded", response.Unloaded, "refused", len(refused))
	return response, nil
}

// read gives the detectors that the directory and the server's options ask for. A
// folder with faults hides the shipped detector of its name, if that does not run.
func (s *detectors) read() ([]models.Detector, []models.Refused, error) {
	set, err := models.Default()
	if err != nil {
		return nil, nil, err
	}
	var refused *models.RefusedError
	if s.Detectors != "" {
		more, err := models.LoadDir(s.Detectors)
		if err != nil && !errors.As(err, &refused) {
			return nil, nil, err
		}
		set = set.With(more)
	}
	all := slices.DeleteFunc(set.Detectors(), func(d models.Detector) bool { return s.Keep != nil && !s.Keep(d.Name) })
	if refused == nil {
		return all, nil, nil
	}
	bad := func(d models.Detector) bool {
		return slices.ContainsFunc(refused.Folders, func(r models.Refused) bool { return filepath.Base(r.Folder) == d.Name }) && indexOf(s.loaded, d.Name) >= 0
	}
	return slices.DeleteFunc(all, bad), refused.Folders, nil
}

// use puts a lineup in force; mu is held.
func (s *detectors) use(loaded, shadows []loadedDetector) error {
	slices.SortStableFunc(loaded, func(a, b loadedDetector) int { return byInput(a.Detector, b.Detector) })
	if err := s.Engine.Use(plain(loaded), plain(shadows)...); err != nil {
		return err
	}
	for _, was := range s.shadows {
		if !slices.ContainsFunc(shadows, func(d loadedDetector) bool { return d.over == was.over }) {
			close(was.over)
		}
	}
	s.loaded, s.shadows = loaded, shadows
	s.Registry.DetectorsChanged()
	return nil
}

// failedDetector tells why a lineup could not be put in force.
func (s *detectors) failedDetector(ctx context.Context, err error) error {
	var refused *models.RefusedError
	var refusal *engine.Refusal
	switch {
	case ctx.Err() != nil, errors.Is(err, engine.ErrClosed), errors.As(err, &refusal):
		return s.failed(ctx, err)
	case errors.Is(err, fs.ErrNotExist):
		return fail(codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN, "there is no such folder in the detector directory")
	case errors.As(err, &refused):
		return fail(codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_DETECTOR, "%s", s.tellRefused(refused.Folders[0]).GetReason())
	case errors.Is(err, device.ErrMemory):
		return capacity("no memory on the device for it: %v", err)
	}
	return fail(codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_DETECTOR, "%v", err)
}

func indexOf(all []loadedDetector, name string) int {
	return slices.IndexFunc(all, func(d loadedDetector) bool { return d.Name == name })
}

func without(all []loadedDetector, name string) []loadedDetector {
	return slices.DeleteFunc(slices.Clone(all), func(d loadedDetector) bool { return d.Name == name })
}

func plain(all []loadedDetector) (ds []models.Detector) {
	for _, d := range all {
		ds = append(ds, d.Detector)
	}
	return ds
}

// same tells whether two detectors do the same, wherever they lie.
func same(a, b models.Detector) bool {
	return reflect.DeepEqual(a.Manifest, b.Manifest) // the sums of its files are in it
}

// inputs are in the order in which detectors are listed.
var inputs = map[string]streamvetv1.DetectorInput{
	"picture":   streamvetv1.DetectorInput_DETECTOR_INPUT_PICTURE,
	"sound":     streamvetv1.DetectorInput_DETECTOR_INPUT_SOUND,
	"bitstream": streamvetv1.DetectorInput_DETECTOR_INPUT_BITSTREAM,
	"clock":     streamvetv1.DetectorInput_DETECTOR_INPUT_CLOCK,
}

func byInput(a, b models.Detector) int {
	if d := int(inputs[a.Input]) - int(inputs[b.Input]); d != 0 {
		return d
	}
	return strings.Compare(a.Name, b.Name)
}

// tell is what is told of a detector.
func (s *detectors) tell(d loadedDetector, shadow bool) *streamvetv1.Detector {
	to := &streamvetv1.Detector{
		Name: d.Name, Version: d.Version, Summary: d.Summary, Input: inputs[d.Input],
		Shadow: shadow, Loaded: timestamppb.New(d.since), Path: s.relative(d.Path),
	}
	if d.Network != nil {
		to.ModelSha256 = d.Network.SHA256
	}
	for _, o := range d.Outputs {
		to.Outputs = append(to.Outputs, &streamvetv1.DetectorOutput{Defect: string(o.Defect), Unit: o.Unit, Rule: ruleOf(o.Rule)})
	}
	return to
}

// relative is a path as seen from the detector directory; "" for one outside.
func (s *detectors) relative(path string) string {
	if s.Detectors == "" || path == "" {
		return ""
	}
	rel, err := filepath.Rel(s.Detectors, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return ""
	}
	return rel
}

func (s *detectors) tellRefused(r models.Refused) *streamvetv1.RefusedDetector {
	return &streamvetv1.RefusedDetector{Path: s.relative(r.Folder), Reason: fmt.Sprint(r.Err)}
}

func ruleOf(r models.Rule) *streamvetv1.Rule {
	scores := uint32(r.MinScores)
	return &streamvetv1.Rule{
		Raise: &r.Raise, Clear: &r.Clear, MinDuration: durationpb.New(r.MinDuration), MinScores: &scores,
		Hold: durationpb.New(r.Hold), Merge: durationpb.New(r.Merge), UpdateEvery: durationpb.New(r.UpdateEvery),
		Major: &r.Major, Critical: &r.Critical,
	}
}
