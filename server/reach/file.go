package reach

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
)

// Path is the path of a file: address, with %20 and its like as what they stand for.
func Path(address string) (string, error) {
	rest, ok := strings.CutPrefix(address, split(address).scheme)
	if !ok {
		return "", ErrShape
	}
	rest = strings.TrimPrefix(rest, "localhost")
	path, err := url.PathUnescape(rest)
	if err != nil || !strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("%w: a file is named as file:///path, with a space as %%20 and %% as %%25", ErrShape)
	}
	return path, nil
}

// checkPath judges a path as it would be opened now, as far as it is there.
func (p *Policy) checkPath(path string) error {
	real, err := resolved(path)
	if err != nil {
		return fmt.Errorf("%w: its path cannot be followed", ErrRefused)
	}
	return p.File(real)
}

// File refuses what does not lie within a root; path has no links.
func (p *Policy) File(path string) error {
	for _, root := range p.options.Roots {
		if real, err := filepath.EvalSymlinks(root); err == nil && (strings.HasPrefix(path, strings.TrimSuffix(real, "/")+"/")) {
			return nil
		}
	}
	if len(p.options.Roots) == 0 {
		return fmt.Errorf("%w: it reads no files; name the directories that it may read", ErrRefused)
	}
	return fmt.Errorf("%w: the file lies outside the directories that it may read", ErrRefused)
}

// resolved follows the links of a path as far as it exists.
func resolved(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	dir, base := filepath.Split(strings.TrimRight(path, "/"))
	if base == ".." || base == "." {
		return "", fs.ErrInvalid // of what is not there
	}
	above, err := resolved(dir) // not cleaned: a link may stand before a ".."
	return filepath.Join(above, base), err
}
