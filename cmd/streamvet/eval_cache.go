package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/streamvet/streamvet/engine/eval"
)

// evalCache keeps the results of items in a folder. A nil evalCache keeps nothing.
type evalCache struct {
	dir string
	by  string // hash of all that a result depends on besides the item
}

// openEvalCache makes the folder; "" gives a nil cache.
func openEvalCache(dir string, detectors []detector) (*evalCache, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	h := sha256.New()
	// The closed forms have no version of their own: this program is theirs.
	program, err := os.Executable()
	if err == nil {
		err = hashFile(h, program)
	}
	if err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	for _, d := range detectors {
		d.ONNX, d.HalfONNX, d.Path = nil, nil, "" // the manifest has the networks' hashes
		if err := json.NewEncoder(h).Encode(d); err != nil {
			return nil, fmt.Errorf("open the cache: %w", err)
		}
	}
	return &evalCache{dir, hex.EncodeToString(h.Sum(nil))}, nil
}

func hashFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// find gives the result of an item if it is there, and the key to keep it by.
func (c *evalCache) find(i eval.Item) (key string, r eval.Result, ok bool, err error) {
	if c == nil {
		return "", r, false, nil
	}
	h := sha256.New()
	io.WriteString(h, c.by)
	if err := json.NewEncoder(h).Encode(i.Truth); err != nil {
		return "", r, false, err
	}
	if err := hashFile(h, i.Media); err != nil {
		return "", r, false, err
	}
	key = hex.EncodeToString(h.Sum(nil)[:20])
	data, err := os.ReadFile(c.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return key, r, false, nil
	}
	if err == nil && json.Unmarshal(data, &r) == nil {
		return key, r, true, nil
	}
	return key, eval.Result{}, false, nil // spoiled: measure again
}

func (c *evalCache) path(key string) string { return filepath.Join(c.dir, key+".json") }

// keep writes a result, whole or not at all.
func (c *evalCache) keep(key string, r eval.Result) error {
	if c == nil {
		return nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	part, err := os.CreateTemp(c.dir, ".partial-*")
	if err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	defer os.Remove(part.Name())
	_, err = part.Write(data)
	if err := errors.Join(err, part.Close()); err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	if err := os.Rename(part.Name(), c.path(key)); err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	return nil
}
