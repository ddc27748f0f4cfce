package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Flags is a Config as flags of a command.
type Flags struct {
	set    *pflag.FlagSet
	file   string
	values map[string]string // of the flags that were given, by the setting's name
}

// AddFlags adds --config and a flag for each setting to f.
func AddFlags(f *pflag.FlagSet) *Flags {
	flags := &Flags{set: f, values: map[string]string{}}
	f.StringVar(&flags.file, "config", "", "read this YAML `file` (environment: STREAMVET_CONFIG)")
	defaults := Default()
	for _, s := range settings(&defaults) {
		v := &flagValue{setting: s, given: flags.values}
		flag := f.VarPF(v, s.flag(), "", s.help())
		if v.Type() == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
	return flags
}

// flagValue is a setting as pflag wants it. It notes the text that it is given.
type flagValue struct {
	setting
	given map[string]string
}

func (v *flagValue) String() string { return v.text() }

func (v *flagValue) Set(text string) error {
	if err := v.set(text); err != nil {
		return err
	}
	v.given[v.name] = text
	return nil
}

func (v *flagValue) Type() string {
	switch v.value.Interface().(type) {
	case bool:
		return "bool"
	case []string:
		return "a,b,..."
	case string:
		return "text"
	case int, float64:
		return "number"
	case Bytes:
		return "bytes"
	default:
		return "duration"
	}
}

// Loaded is a Config and where each value came from.
type Loaded struct {
	Config
	// File is the path of the file that was read, "" without one.
	File string

	flags   *Flags
	environ []string
	origins map[string]string // by the setting's name; missing ones are defaults
}

// Load reads the file that the flags or the environment name, the environment
// (as os.Environ gives it), and the flags, which were parsed. The error joins
// all that is wrong.
func (f *Flags) Load(environ []string) (*Loaded, error) {
	l, err := f.read(environ)
	if err == nil {
		err = l.check()
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// read is Load without a look at what the values mean.
func (f *Flags) read(environ []string) (*Loaded, error) {
	env := newEnvironment(environ)
	l := &Loaded{Config: Default(), File: f.file, flags: f, environ: environ, origins: map[string]string{}}
	l.State.Dir = env.stateDir()
	if l.File == "" {
		l.File = env.values[envPrefix+"CONFIG"]
	}
	var err error
	if l.File != "" {
		err = l.readFile()
	}
	return l, errors.Join(err, l.readEnv(env), l.readFlags())
}

// Reload reads all of it again.
func (l *Loaded) Reload() (*Loaded, error) { return l.flags.Load(l.environ) }

func (l *Loaded) readFlags() error {
	var errs []error
	for _, s := range settings(&l.Config) {
		if text, given := l.flags.values[s.name]; given {
			errs = append(errs, l.take(s, text, "flag --"+s.flag()))
		}
	}
	return errors.Join(errs...)
}

func (l *Loaded) readEnv(env environment) error {
	var errs []error
	for _, s := range settings(&l.Config) {
		if text, given := env.values[s.env()]; given {
			errs = append(errs, l.take(s, text, "environment "+s.env()))
		}
	}
	return errors.Join(append(errs, env.unknown(settings(&l.Config)))...)
}

// take sets a value and notes where it came from.
func (l *Loaded) take(s setting, text, origin string) error {
	if err := s.set(text); err != nil {
		if s.secret() {
			err = errors.New("it is not what is wanted here")
		}
		return fmt.Errorf("%s: %w", origin, err)
	}
	l.origins[s.name] = origin
	return nil
}

// Origin says where a setting's value came from.
func (l *Loaded) Origin(name string) string {
	if o := l.origins[name]; o != "" {
		return o
	}
	return "default"
}

// environment is the part of the environment that counts.
type environment struct{ values map[string]string }

func newEnvironment(environ []string) environment {
	e := environment{map[string]string{}}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(name, envPrefix), name == "STATE_DIRECTORY", name == "XDG_STATE_HOME", name == "HOME":
			e.values[name] = value
		}
	}
	return e
}

// serviceLink is what Kubernetes sets for a service that is named streamvet-...
var serviceLink = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT$|_PORT_\d+_(TCP|UDP|SCTP)(_|$)`)

// unknown refuses variables that begin as a section's and are none of its
// settings. Others are not ours: tools of streamvet and test runs have some too.
func (e environment) unknown(all []setting) error {
	known, sections := []string{}, map[string]bool{}
	for _, s := range all {
		known = append(known, s.env())
		sections[strings.ToUpper(s.section())] = true
	}
	var errs []error
	for name := range e.values {
		section, _, _ := strings.Cut(strings.TrimPrefix(name, envPrefix), "_")
		if !strings.HasPrefix(name, envPrefix) || section == "" || !sections[section] || slices.Contains(known, name) || serviceLink.MatchString(name) {
			continue
		}
		errs = append(errs, fmt.Errorf("environment %.80s: there is no such setting%s", name, suggest(name, known)))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func suggest(word string, names []string) string {
	if near := nearest(word, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}

// stateDir is where the state is kept if nobody says so.
func (e environment) stateDir() string {
	switch {
	case e.values["STATE_DIRECTORY"] != "": // systemd made it
		first, _, _ := strings.Cut(e.values["STATE_DIRECTORY"], ":")
		return first
	case os.Getuid() == 0:
		return "/var/lib/streamvet"
	case e.values["XDG_STATE_HOME"] != "":
		return filepath.Join(e.values["XDG_STATE_HOME"], "streamvet")
	case e.values["HOME"] != "":
		return filepath.Join(e.values["HOME"], ".local/state/streamvet")
	}
	return "streamvet-state"
}
