package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// What a folder may hold. The bounds are far above what is useful; they keep a
// wrong or hostile folder from taking the machine's memory.
const (
	maxManifestBytes = 64 << 10
	maxONNXBytes     = 64 << 20
	maxDetectors     = 256
)

const manifestFile = "detector.yaml"

// RefusedError lists the folders that are no good detectors. The others were
// read; whether to go on with them is the caller's choice.
type RefusedError struct {
	Folders []Refused
}

// Refused is one folder and all that is wrong with it.
type Refused struct {
	Folder string
	Err    error // one error a line, each naming file, line, field and remedy
}

// Faults lists what is wrong, in the order of the manifest's fields.
func (r Refused) Faults() []*Fault {
	joined, ok := r.Err.(interface{ Unwrap() []error })
	if !ok {
		return []*Fault{{Err: r.Err}} // it was not read at all
	}
	var faults []*Fault
	for _, err := range joined.Unwrap() {
		var f *Fault
		if !errors.As(err, &f) {
			f = &Fault{Err: err}
		}
		faults = append(faults, f)
	}
	return faults
}

func (e *RefusedError) Error() string {
	lines := make([]string, 0, len(e.Folders))
	for _, r := range e.Folders {
		lines = append(lines, fmt.Sprintf("detector folder %s is refused:\n  %s", legible(r.Folder, 4096), strings.ReplaceAll(r.Err.Error(), "\n", "\n  ")))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the error of each folder.
func (e *RefusedError) Unwrap() []error {
	errs := make([]error, len(e.Folders))
	for i, r := range e.Folders {
		errs[i] = r.Err
	}
	return errs
}

// LoadDir reads the detectors in the folders of dir. It gives the good ones even
// where others are bad; the error is then a *RefusedError. With any other error
// the set is nil. Nothing outside dir is read.
func LoadDir(dir string) (*Set, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load detectors: there is no directory %s", dir)
	} else if err != nil {
		return nil, fmt.Errorf("load detectors: %w", err)
	}
	defer root.Close()
	if _, err := root.Stat(manifestFile); err == nil {
		return nil, fmt.Errorf("load detectors: %s is a detector itself: name the directory above it", dir)
	}
	return load(root.FS(), filepath.Clean(dir))
}

// load reads the folders of fsys; name is what people call it.
func load(fsys fs.FS, name string) (*Set, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("load detectors of %s: %w", name, err)
	}
	var good []Detector
	var refused []Refused
	for _, e := range entries {
		if !holdsDetector(fsys, e) {
			continue
		}
		if len(good)+len(refused) == maxDetectors {
			return nil, fmt.Errorf("load detectors: %s holds more than %d folders: is it the right directory?", name, maxDetectors)
		}
		d, err := read(fsys, e.Name())
		if err != nil {
			refused = append(refused, Refused{Folder: path.Join(name, e.Name()), Err: err})
			continue
		}
		d.Path = path.Join(name, e.Name())
		good = append(good, d)
	}
	switch {
	case len(refused) > 0:
		return newSet(good), &RefusedError{Folders: refused}
	case len(good) == 0:
		return nil, fmt.Errorf("load detectors: %s holds none: a detector is a folder with a %s", name, manifestFile)
	}
	return newSet(good), nil
}

// holdsDetector tells whether an entry should be a detector: any visible folder,
// or link to one, but those of the tests and of the training.
func holdsDetector(fsys fs.FS, e fs.DirEntry) bool {
	if strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_") || e.Name() == "testdata" || e.Name() == "train" {
		return false
	}
	if e.Type()&fs.ModeSymlink != 0 {
		info, err := fs.Stat(fsys, e.Name())
		return err != nil || info.IsDir() // one that leads nowhere is told about
	}
	return e.IsDir()
}

// read reads one folder and checks it. Its error joins all that is wrong.
func read(fsys fs.FS, folder string) (Detector, error) {
	data, err := readFile(fsys, path.Join(folder, manifestFile), maxManifestBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return Detector{}, fmt.Errorf("there is no %s in it: write one, or take the folder away", manifestFile)
	} else if err != nil {
		return Detector{}, err
	}
	m, r := parse(data)
	d := Detector{Manifest: m}
	if n := m.Network; n != nil { // before check, which cannot tell what a wrong sum should be
		d.ONNX = r.onnx(fsys, folder, "network", n.File, n.SHA256)
		if n.Half != nil {
			d.HalfONNX = r.onnx(fsys, folder, "network.half", n.Half.File, n.Half.SHA256)
		}
	}
	r.check(&m, folder)
	return d, r.err()
}

// onnx reads a file that a field of the manifest names, and holds it to its sum.
func (r *report) onnx(fsys fs.FS, folder, field, name, want string) []byte {
	if name == "" || !r.plainFile(name) {
		return nil // check tells
	}
	data, err := readFile(fsys, path.Join(folder, name), maxONNXBytes)
	if errors.Is(err, fs.ErrNotExist) {
		r.add(field+".file", "there is no %s in the folder: put it beside %s", name, manifestFile)
	} else if err != nil {
		r.add(field+".file", "%w", err)
	} else if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
		r.add(field+".sha256", "%s has %x, the manifest says %.64q: fetch the file again, or write its sum if you trust it", name, sum, want)
	}
	return data
}

// readFile reads a regular file of at most limit bytes.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	// A pipe would block the open, so look before.
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path.Base(name))
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes, the most that is read", path.Base(name), limit)
	}
	return data, nil
}
