package config

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bytes is an amount of memory or disk, written as "64MiB", "2GB" or a number.
type Bytes int64

var byteUnits = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1},
}

// String writes b in the largest unit that divides it.
func (b Bytes) String() string {
	for _, u := range byteUnits[:4] {
		if b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

func parseBytes(text string) (Bytes, error) {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.size {
			break
		}
		return Bytes(n * u.size), nil
	}
	return 0, fmt.Errorf("%.40q is no amount: write it as 64MiB, 2GB or a number of bytes", text)
}

// parseDuration takes what Go takes, and whole days.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%.40q is no duration: write it as 30s, 1h30m or 7d", text)
	}
	return d, nil
}

// set parses text into the field.
func (s setting) set(text string) error {
	if words := strings.Fields(s.words()); len(words) > 0 && !slices.Contains(words, text) {
		return fmt.Errorf("%.40q is none of %s", text, strings.Join(words, ", "))
	}
	switch v := s.value.Addr().Interface().(type) {
	case *string:
		*v = text
	case *[]string:
		return s.setList(strings.Split(text, ","))
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%.40q is neither true nor false", text)
		}
		*v = text == "true"
	case *int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("%.40q is no whole number that fits", text)
		}
		*v = int(n)
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("%.40q is no number", text)
		}
		*v = n
	case *time.Duration:
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		*v = d
	case *Bytes:
		n, err := parseBytes(text)
		if err != nil {
			return err
		}
		*v = n
	default:
		return fmt.Errorf("settings of type %T are not known here", v)
	}
	return nil
}

// setList replaces a list; empty entries are left out.
func (s setting) setList(entries []string) error {
	var list []string
	for _, e := range entries {
		if e = strings.TrimSpace(e); e != "" {
			list = append(list, e)
		}
	}
	s.value.Set(reflect.ValueOf(list))
	return nil
}

// text writes the value as set takes it.
func (s setting) text() string {
	switch v := s.value.Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Duration:
		return shortDuration(v)
	default:
		return fmt.Sprint(v)
	}
}

// shortDuration is d without the zeros that Go adds: 1m, not 1m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if short, ok := strings.CutSuffix(text, zero); ok {
			text = short + zero[:1]
		}
	}
	return text
}
