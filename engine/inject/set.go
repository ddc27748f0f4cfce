package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// SetVersion is the version of the manifest's form.
const SetVersion = 1

// SetFile is the name of the manifest in the folder of a set.
const SetFile = "set.json"

// Set is material to evaluate detectors with: clips, each with clean encodes of it
// (controls) and with encodes that have one kind of defect at one level.
type Set struct {
	Version int       `json:"version"`
	Options SetShape  `json:"options"`
	Clips   []SetClip `json:"clips"`
	Items   []SetItem `json:"items"`
}

// SetShape is what all items of a set have in common.
type SetShape struct {
	Seed         uint64  `json:"seed"`
	Container    string  `json:"container"`         // extension of the files, with its point
	Encoder      string  `json:"encoder,omitempty"` // "": the best that was there
	SoundEncoder string  `json:"sound_encoder,omitempty"`
	Quality      float64 `json:"quality"` // in the encoder's scale; negative: near transparent
	Seconds      float64 `json:"seconds"` // most that is taken of a clip
	MaxHeight    int     `json:"max_height,omitempty"`
}

// SetClip is one source of items.
type SetClip struct {
	ID     string `json:"id"`
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	// Group is the same for clips of the same content: they are never split.
	Group string `json:"group"`
	// Collection is where the clip is from.
	Collection string  `json:"collection"`
	Licence    string  `json:"licence,omitempty"`
	From       float64 `json:"from"`   // seconds: the stretch that was taken
	Length     float64 `json:"length"` // of it
}

// SetItem is one file of a set.
type SetItem struct {
	ID      string `json:"id"`
	Clip    string `json:"clip"`
	Kind    string `json:"kind,omitempty"` // of the injection; "": clean
	Level   int    `json:"level,omitempty"`
	Spec    string `json:"spec,omitempty"`    // as --defect takes it; of a control: what it is fit for
	Control string `json:"control,omitempty"` // the item that is its clean twin
	Media   string `json:"media"`             // paths in the folder of the set
	Truth   string `json:"truth"`
	Seed    uint64 `json:"seed"`
}

// Clean tells whether the item has no defect.
func (i SetItem) Clean() bool { return i.Kind == "" }

// LoadSet reads the manifest of the set in a folder and refuses what does not fit.
func LoadSet(dir string) (Set, error) {
	data, err := os.ReadFile(filepath.Join(dir, SetFile))
	if err != nil {
		return Set{}, fmt.Errorf("load set: %w", err)
	}
	s, err := ParseSet(data)
	if err != nil {
		return Set{}, fmt.Errorf("load set %s: %w", dir, err)
	}
	return s, nil
}

// ParseSet is LoadSet for what is already in memory.
func ParseSet(data []byte) (Set, error) {
	var s Set
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Set{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Set{}, errors.New("there is more after the manifest")
	}
	return s, s.Validate()
}

// Validate says what does not fit, or nil.
func (s Set) Validate() error {
	if s.Version != SetVersion {
		return fmt.Errorf("version %d is not known, %d is", s.Version, SetVersion)
	}
	clips := map[string]bool{}
	for _, c := range s.Clips {
		switch {
		case c.ID == "" || clips[c.ID]:
			return fmt.Errorf("clip %q has no id of its own", c.ID)
		case c.Group == "" || c.Collection == "":
			return fmt.Errorf("clip %s: group or collection is missing", c.ID)
		case !(c.Length > 0) || c.From < 0:
			return fmt.Errorf("clip %s: [%v, +%v) is no stretch", c.ID, c.From, c.Length)
		}
		clips[c.ID] = true
	}
	items := map[string]SetItem{}
	for _, i := range s.Items {
		if _, twice := items[i.ID]; i.ID == "" || twice {
			return fmt.Errorf("item %q has no id of its own", i.ID)
		}
		items[i.ID] = i
	}
	for _, i := range s.Items {
		if err := i.validate(clips, items); err != nil {
			return fmt.Errorf("item %s: %w", i.ID, err)
		}
	}
	return nil
}

func (i SetItem) validate(clips map[string]bool, items map[string]SetItem) error {
	switch {
	case !clips[i.Clip]:
		return fmt.Errorf("there is no clip %q", i.Clip)
	case !filepath.IsLocal(i.Media) || !filepath.IsLocal(i.Truth):
		return fmt.Errorf("%q or %q does not lie in the folder of the set", i.Media, i.Truth)
	case i.Clean() && i.Control != "":
		return errors.New("a control has no control")
	case i.Clean():
		return nil
	}
	if control, ok := items[i.Control]; !ok || !control.Clean() || control.Clip != i.Clip {
		return fmt.Errorf("%q is no control of its clip", i.Control)
	}
	spec, err := ParseSpec(i.Spec)
	switch {
	case err != nil:
		return fmt.Errorf("spec: %w", err)
	case spec.Kind.Name != i.Kind || spec.Level != i.Level:
		return fmt.Errorf("spec %s is not of kind %s at level %d", i.Spec, i.Kind, i.Level)
	}
	return nil
}

// Clip finds a clip by its id.
func (s Set) Clip(id string) (SetClip, bool) {
	n := slices.IndexFunc(s.Clips, func(c SetClip) bool { return c.ID == id })
	if n < 0 {
		return SetClip{}, false
	}
	return s.Clips[n], true
}

// merge takes what another set of the same shape has besides.
func (s *Set) merge(o Set) error {
	if s.Options != o.Options {
		return fmt.Errorf("the set that is there was made with other options (%+v): use the same ones, or another folder", s.Options)
	}
	for _, c := range o.Clips {
		if _, there := s.Clip(c.ID); !there {
			s.Clips = append(s.Clips, c)
		}
	}
	known := map[string]bool{}
	for _, i := range s.Items {
		known[i.ID] = true
	}
	for _, i := range o.Items {
		if !known[i.ID] {
			s.Items = append(s.Items, i)
		}
	}
	return nil
}

// save writes the manifest into the folder, all of it or nothing.
func (s Set) save(dir string) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("the manifest does not fit (please report this): %w", err)
	}
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(dir, ".set.partial-*")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	defer os.Remove(part.Name())
	_, err = part.Write(append(data, '\n'))
	if err := errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return os.Rename(part.Name(), filepath.Join(dir, SetFile))
}

// job is how an item is made.
func (s Set) job(dir string, i SetItem) (Job, error) {
	clip, ok := s.Clip(i.Clip)
	if !ok {
		return Job{}, fmt.Errorf("there is no clip %q", i.Clip)
	}
	o := s.Options
	j := Job{In: clip.Path, Out: filepath.Join(dir, i.Media), TruthPath: filepath.Join(dir, i.Truth), Control: i.Clean(),
		From: clip.From, Length: clip.Length, MaxHeight: o.MaxHeight, Encoder: o.Encoder, SoundEncoder: o.SoundEncoder, Quality: o.Quality, Seed: i.Seed, Overwrite: true}
	if i.Spec == "" {
		return j, nil
	}
	spec, err := ParseSpec(i.Spec)
	j.Specs = []Spec{spec}
	return j, err
}

// done tells whether an item is there whole: its truth comes last.
func (s Set) done(dir string, i SetItem) bool {
	t, err := LoadTruth(filepath.Join(dir, i.Truth))
	if err != nil || t.Seed != i.Seed {
		return false
	}
	info, err := os.Stat(filepath.Join(dir, i.Media))
	return err == nil && info.Size() == t.MediaBytes
}

// SetProgress is how far the making of a set has come.
type SetProgress struct {
	Step        string // "look at clips" or "make items"
	Done, Total int
	Now         string // what was done last
	Elapsed     time.Duration
}
