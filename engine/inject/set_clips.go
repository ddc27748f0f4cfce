package inject

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// clipExtensions are those of files that a folder is searched for.
var clipExtensions = []string{".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts", ".mpg", ".mpeg", ".avi", ".264", ".h264", ".265", ".y4m",
	".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".mka"}

// IsMedia tells by its name whether a file is one that a folder is searched for.
func IsMedia(path string) bool {
	return slices.Contains(clipExtensions, strings.ToLower(filepath.Ext(path)))
}

// FindClips makes a list of clips of files, folders, and lists. A list ends in
// .tsv; its first line names the columns: path (from the list's folder), and group,
// collection and licence if there are. Where nothing is said, a clip is a group of
// its own, and its folder is the collection.
func FindClips(args []string) ([]SetClip, error) {
	var out []SetClip
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		switch {
		case info.IsDir():
			err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && IsMedia(path) {
					out = append(out, SetClip{Path: path})
				}
				return err
			})
		case strings.HasSuffix(arg, ".tsv"):
			var more []SetClip
			more, err = readClipList(arg)
			out = append(out, more...)
		default:
			out = append(out, SetClip{Path: arg})
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range out {
		c := &out[i]
		path, err := filepath.Abs(c.Path)
		if err != nil {
			return nil, err
		}
		c.Path = path
		c.Group = cmp.Or(c.Group, stem(path))
		c.Collection = cmp.Or(c.Collection, filepath.Base(filepath.Dir(path)))
	}
	return out, nil
}

func stem(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}

func readClipList(path string) ([]SetClip, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := parseClipList(f, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	return out, nil
}

func parseClipList(r io.Reader, dir string) ([]SetClip, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return nil, fmt.Errorf("it is empty: its first line names the columns, path among them")
	}
	columns := strings.Split(lines.Text(), "\t")
	if !slices.Contains(columns, "path") {
		return nil, fmt.Errorf("there is no column path among %s", strings.Join(columns, ", "))
	}
	var out []SetClip
	for n := 2; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) > len(columns) {
			return nil, fmt.Errorf("line %d has %d columns, the first one %d", n, len(cells), len(columns))
		}
		var c SetClip
		for i, cell := range cells {
			switch columns[i] {
			case "path":
				c.Path = cell
			case "group":
				c.Group = cell
			case "collection":
				c.Collection = cell
			case "licence":
				c.Licence = cell
			}
		}
		if c.Path == "" {
			return nil, fmt.Errorf("line %d has no path", n)
		}
		if !filepath.IsAbs(c.Path) {
			c.Path = filepath.Join(dir, c.Path)
		}
		out = append(out, c)
	}
	return out, lines.Err()
}

// identify gives the clip its hash and its id.
func (c *SetClip) identify() error {
	f, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read %s: %w", c.Path, err)
	}
	c.SHA256 = hex.EncodeToString(h.Sum(nil))
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, stem(c.Path))
	c.ID = plain[:min(len(plain), 40)] + "-" + c.SHA256[:6]
	return nil
}
