package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Folders gives the folders of detectors that a directory stands for, as paths:
// itself where it has a manifest, else those in it.
func Folders(dir string) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if _, err := root.Stat(manifestFile); err == nil {
		return []string{dir}, nil
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, e := range entries {
		if holdsDetector(root.FS(), e) {
			folders = append(folders, filepath.Join(dir, e.Name()))
		}
	}
	switch {
	case len(folders) == 0:
		return nil, fmt.Errorf("there is no detector in %s: a detector is a folder with a %s", dir, manifestFile)
	case len(folders) > maxDetectors:
		return nil, fmt.Errorf("%s holds more than %d folders: is it the right directory?", dir, maxDetectors)
	}
	return folders, nil
}

// LoadOne reads one detector out of a folder below dir; folder is a relative path
// with slashes. It fails with fs.ErrNotExist where there is none, and with a
// *RefusedError where it is no good: the detector is then as much as could be read,
// for whoever mends it. Nothing outside dir is read.
func LoadOne(dir, folder string) (Detector, error) {
	if !fs.ValidPath(folder) || folder == "." {
		return Detector{}, fmt.Errorf("load detector %.200q: that is no path below %s: %w", folder, dir, fs.ErrNotExist)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Detector{}, fmt.Errorf("load detector %s: %w", folder, err)
	}
	defer root.Close()
	if info, err := root.Stat(folder); err != nil || !info.IsDir() {
		return Detector{}, fmt.Errorf("load detector: there is no folder %s in %s: %w", folder, dir, errors.Join(fs.ErrNotExist, err))
	}
	above, err := fs.Sub(root.FS(), path.Dir(folder))
	if err != nil {
		return Detector{}, fmt.Errorf("load detector %s: %w", folder, err)
	}
	d, err := read(above, path.Base(folder))
	d.Path = path.Join(dir, folder)
	if err != nil {
		return d, &RefusedError{Folders: []Refused{{Folder: path.Join(dir, folder), Err: err}}}
	}
	return d, nil
}
