package gpucheck

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// StateVariable names the environment variable that a process finds when it shall run
// one step: whoever calls Run must call RunStep in its main where it is set.
const StateVariable = "STREAMVET_GPUCHECK_STATE"

// state is what a step is told. It lies in the file that StateVariable names.
type state struct {
	Step    string
	Budget  time.Duration
	Options Options
	Before  Report
	Heard   bool // somebody reads events
}

// event is what a step tells, one a line, through its file descriptor 3.
type event struct {
	Finding *Finding        `json:",omitempty"`
	Machine *Machine        `json:",omitempty"`
	Data    json.RawMessage `json:",omitempty"`
}

const eventsDescriptor = 3

// grace is how long a step may take beyond its time, at most, to come to an end by itself.
const grace = 10 * time.Second

// runStep runs a step and adds what it finds to the report.
func runStep(ctx context.Context, o Options, s step, budget time.Duration, r *Report, out io.Writer) {
	fmt.Fprintf(out, "\n== %s: %s (%.0f s at most)\n", s.name, s.about, budget.Seconds())
	began := time.Now()
	result := StepReport{Name: s.name}
	add := func(f Finding) {
		result.Findings = append(result.Findings, f)
		fmt.Fprintln(out, f)
	}
	log := filepath.Join(o.Scratch, s.name+".log")
	err := startChild(ctx, state{Step: s.name, Budget: budget, Options: o, Before: *r}, log, nil, func(e event) {
		if e.Finding != nil {
			add(*e.Finding)
		}
		if e.Machine != nil {
			r.Machine = *e.Machine
		}
		if e.Data != nil {
			result.Data = e.Data
		}
	})
	if err != nil {
		add(Finding{Outcome: Fail, What: fmt.Sprintf("the step broke off: %v; %s says:\n%s", err, log, gist(log))})
	}
	result.Seconds = time.Since(began).Seconds()
	fmt.Fprintf(out, "   -- %.1f s\n", result.Seconds)
	r.Steps = append(r.Steps, result)
}

// startChild runs one step in a process of its own and waits for it. What the process
// prints goes to the file log.
func startChild(ctx context.Context, s state, log string, env []string, told func(event)) error {
	limit := s.Budget + min(grace, s.Budget)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it did not end within %.1f s", limit.Seconds()))
	defer cancel()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, exe)
	s.Heard = true
	closeState, err := s.handOver(cmd, env)
	if err != nil {
		return err
	}
	defer closeState()
	prints, err := os.Create(log)
	if err != nil {
		return err
	}
	defer prints.Close()
	cmd.Stdout, cmd.Stderr = prints, prints
	events, childEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer events.Close()
	cmd.ExtraFiles = []*os.File{childEnd}
	cmd.WaitDelay = time.Second
	err = cmd.Start()
	childEnd.Close()
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			told(e)
		}
	}
	err = cmd.Wait()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// handOver writes the state to a file that cmd will find. The file goes when the
// returned function is called.
func (s state) handOver(cmd *exec.Cmd, env []string) (func(), error) {
	f, err := os.CreateTemp(s.Options.Scratch, "state-*.json")
	if err != nil {
		return nil, err
	}
	remove := func() { os.Remove(f.Name()) }
	if err := errors.Join(json.NewEncoder(f).Encode(s), f.Close()); err != nil {
		remove()
		return nil, err
	}
	cmd.Env = append(append(os.Environ(), StateVariable+"="+f.Name()), env...)
	return remove, nil
}

// check is one step under way, in its own process.
type check struct {
	state
	driver Driver
	events *json.Encoder
	log    *slog.Logger
}

// Driver is what the driver itself has seen cross the bus so far, in bytes, and how
// much bitstream its decoders were given. Only a test double can be asked so.
type Driver func() (toDevice, toHost, bitstream uint64)

// RunStep runs the step that StateVariable asks for. driver may be nil.
func RunStep(ctx context.Context, driver Driver) error {
	text, err := os.ReadFile(os.Getenv(StateVariable))
	if err != nil {
		return err
	}
	c := &check{driver: driver, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if err := json.Unmarshal(text, &c.state); err != nil {
		return err
	}
	c.events = json.NewEncoder(io.Discard)
	if c.Heard { // else the descriptor is somebody else's
		events := os.NewFile(eventsDescriptor, "events")
		defer events.Close()
		c.events = json.NewEncoder(events)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Budget)
	defer cancel()
	for _, s := range append(steps(), within()...) {
		if s.name != c.Step {
			continue
		}
		err := s.run(c, ctx)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
			err = fmt.Errorf("it did not get through in %.0f s; what it found stands", c.Budget.Seconds())
		}
		if err != nil {
			c.fail("%v", err)
		}
		return nil
	}
	return fmt.Errorf("there is no step %q", c.Step)
}

func (c *check) tell(e event) {
	if err := c.events.Encode(e); err != nil {
		c.log.Debug("nobody listens", "error", err)
	}
}

func (c *check) pass(format string, args ...any) {
	c.tell(event{Finding: &Finding{Outcome: Pass, What: fmt.Sprintf(format, args...)}})
}

func (c *check) fail(format string, args ...any) {
	c.tell(event{Finding: &Finding{Outcome: Fail, What: fmt.Sprintf(format, args...)}})
}

func (c *check) note(format string, args ...any) {
	c.tell(event{Finding: &Finding{Outcome: Note, What: fmt.Sprintf(format, args...)}})
}

// must is pass or fail.
func (c *check) must(holds bool, format string, args ...any) {
	if holds {
		c.pass(format, args...)
	} else {
		c.fail(format, args...)
	}
}

func (c *check) number(what string, value float64, unit string) {
	c.tell(event{Finding: &Finding{Outcome: Note, What: what, Value: &value, Unit: unit}})
}

// target is a number that should be something.
func (c *check) target(what string, value float64, unit string, holds bool, target string) {
	f := Finding{Outcome: Fail, What: what, Value: &value, Unit: unit, Target: target}
	if holds {
		f.Outcome = Pass
	}
	c.tell(event{Finding: &f})
}

// table keeps the numbers behind the findings. The last one of a step counts.
func (c *check) table(data any) {
	text, err := json.Marshal(data)
	if err != nil {
		c.fail("write down the table of %s: %v", c.Step, err)
		return
	}
	c.tell(event{Data: text})
}

// gist is what a log says of how its process ended: where a crash begins, else the end.
func gist(path string) string {
	const most = 1500
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if at := crash.FindIndex(text); at != nil {
		return string(text[at[0]:min(len(text), at[0]+most)])
	}
	return string(text[max(0, len(text)-most):])
}

var crash = regexp.MustCompile(`(?m)^(SIG[A-Z]+: |fatal error: |panic: |unexpected fault )`)
