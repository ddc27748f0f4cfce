package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// LoadOne reads one detector out of a folder below dir; folder is a relative path
// with slashes. It fails with fs.ErrNotExist where there is none, and with a
// *RefusedError where it is no good. Nothing outside dir is read.
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
	if err != nil {
		return Detector{}, &RefusedError{Folders: []Refused{{Folder: path.Join(dir, folder), Err: err}}}
	}
	d.Path = path.Join(dir, folder)
	return d, nil
}
