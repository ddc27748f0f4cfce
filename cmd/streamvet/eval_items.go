package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/eval"
	"github.com/streamvet/streamvet/engine/inject"
)

// findItems makes items of what the command line names; tell takes what people
// should know of it.
func findItems(o evalOptions, tell func(string)) ([]eval.Item, error) {
	var all []eval.Item
	for _, in := range o.inputs {
		some, err := itemsOf(in, o, tell)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(i eval.Item) bool {
		twice := seen[i.ID]
		seen[i.ID] = true
		return twice
	})
	if len(all) == 0 {
		return nil, errors.New("there is nothing to measure on: no item of a set, no truth file, no media file")
	}
	return all, nil
}

func itemsOf(in string, o evalOptions, tell func(string)) ([]eval.Item, error) {
	info, err := os.Stat(in)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir() && strings.HasSuffix(in, ".json"):
		i, err := itemOfTruth(in)
		return []eval.Item{i}, err
	case !info.IsDir():
		return []eval.Item{cleanItem(in)}, nil
	}
	if _, err := os.Stat(filepath.Join(in, inject.SetFile)); err == nil {
		return itemsOfSet(in, o, tell)
	}
	return itemsOfFolder(in)
}

// itemsOfSet takes those items of a set that are made already.
func itemsOfSet(dir string, o evalOptions, tell func(string)) ([]eval.Item, error) {
	set, err := inject.LoadSet(dir)
	if err != nil {
		return nil, err
	}
	name := func(id string) string { return filepath.Join(dir, id) }
	var out []eval.Item
	missing, untouched := 0, 0
	for _, i := range set.Items {
		clip, _ := set.Clip(i.Clip)
		if len(o.collections) > 0 && !slices.Contains(o.collections, clip.Collection) || !i.Clean() && len(o.kinds) > 0 && !slices.Contains(o.kinds, i.Kind) {
			continue
		}
		truth, err := inject.LoadTruth(filepath.Join(dir, i.Truth))
		if errors.Is(err, fs.ErrNotExist) {
			missing++
			continue
		}
		if err != nil {
			return nil, err
		}
		if !i.Clean() && len(truth.Defects) == 0 {
			untouched++ // its damage met nothing: it is its control once more
			continue
		}
		truth.Damage = nil // not needed, and large
		one := eval.Item{ID: name(i.ID), Media: filepath.Join(dir, i.Media), Group: clip.Group, Collection: clip.Collection, Kind: i.Kind, Level: i.Level, Truth: truth}
		if i.Control != "" {
			one.Control = name(i.Control)
		}
		out = append(out, one)
	}
	if missing > 0 && len(out) > 0 {
		tell(fmt.Sprintf("set %s: %s of %d not made yet: left out", dir, count(missing, "item"), len(set.Items)))
	}
	if untouched > 0 && len(out) > 0 {
		tell(fmt.Sprintf("set %s: the injection of %s met nothing: left out, not counted as clean", dir, count(untouched, "item")))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("set %s: none of its %d items is made and wanted: run streamvet inject --set again, or look at --kinds and --collections", dir, len(set.Items))
	}
	return out, nil
}

// itemOfTruth is a clip with the truth file beside it.
func itemOfTruth(path string) (eval.Item, error) {
	truth, err := inject.LoadTruth(path)
	if err != nil {
		return eval.Item{}, err
	}
	truth.Damage = nil
	i := cleanItem(filepath.Join(filepath.Dir(path), truth.Media))
	i.Truth = truth
	if _, err := os.Stat(i.Media); err != nil {
		return i, fmt.Errorf("truth %s: its media file: %w", path, err)
	}
	kinds := map[string]bool{}
	for _, e := range truth.Defects {
		kinds[e.Kind] = true
		i.Kind, i.Level = e.Kind, e.Level
	}
	if len(kinds) > 1 {
		i.Kind, i.Level = "", 0
	}
	i.Group = cmp.Or(stemOf(truth.Source), i.Group)
	return i, nil
}

// cleanItem is a file without a truth. It is a content group of its own; its
// folder is the collection.
func cleanItem(path string) eval.Item {
	return eval.Item{ID: path, Media: path, Group: stemOf(path), Collection: filepath.Base(filepath.Dir(path))}
}

func stemOf(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}

func itemsOfFolder(dir string) ([]eval.Item, error) {
	var media, truths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
		case inject.IsMedia(path):
			media = append(media, path)
		case strings.HasSuffix(path, ".json"):
			truths = append(truths, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []eval.Item
	spoken := map[string]bool{}
	for _, path := range truths {
		i, err := itemOfTruth(path)
		if err != nil {
			return nil, fmt.Errorf("%w (move files that are no truths out of %s)", err, dir)
		}
		spoken[filepath.Clean(i.Media)] = true
		out = append(out, i)
	}
	for _, path := range media {
		if !spoken[filepath.Clean(path)] {
			out = append(out, cleanItem(path))
		}
	}
	return out, nil
}
