package gpucheck

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// What is run of the test binary of engine/device/cuda. Its other tests need the test
// double of the driver.
const (
	allConformance   = `^TestConformance$`
	quickConformance = `^TestConformance$/^(measures_of_known|uploads_are|streams_wait)`
	// Under compute-sanitizer a kernel takes ten times as long and more.
	memoryConformance = `^TestConformance$/^(tensors_have|measures_have|measures_of_known|uploads_are)`
	raceConformance   = `^TestConformance$/^(measures_of_known|the_meter_compares)`
)

// onRealGPU keeps the test binary on the driver that this process has.
const onRealGPU = "STREAMVET_REAL_GPU=1"

// conformance runs the tests that every device must pass.
func (c *check) conformance(ctx context.Context) error {
	if c.Options.Tests == "" {
		c.fail("no test binary of engine/device/cuda was named")
		return nil
	}
	run := allConformance
	if c.Options.Quick {
		run = quickConformance
	}
	log := filepath.Join(c.Options.Scratch, "conformance-tests.log")
	began := time.Now()
	out, err := c.program(ctx, log, c.Options.Tests, "-test.v", "-test.run="+run)
	passed, failed := tests(out)
	c.must(err == nil && len(passed) > 0, "%d tests passed, %d failed in %.1f s", len(passed), len(failed), time.Since(began).Seconds())
	c.tellFailed(err, failed, out, log)
	return nil
}

// sanitizer runs the same under NVIDIA's tool that watches memory and races.
func (c *check) sanitizer(ctx context.Context) error {
	tool := findTool("compute-sanitizer")
	switch {
	case tool == "":
		c.note("compute-sanitizer is not here")
		return nil
	case c.Options.Tests == "":
		c.fail("no test binary of engine/device/cuda was named")
		return nil
	}
	for _, t := range []struct{ tool, run string }{{"memcheck", memoryConformance}, {"racecheck", raceConformance}} {
		log := filepath.Join(c.Options.Scratch, t.tool+".log")
		half, cancel := context.WithTimeout(ctx, c.Budget/2)
		began := time.Now()
		out, err := c.program(half, log, tool, "--tool", t.tool, "--error-exitcode", "86", "--report-api-errors", "no", "--print-limit", "20",
			c.Options.Tests, "-test.v", "-test.run="+t.run)
		ranOut := half.Err() != nil
		cancel()
		passed, failed := tests(out)
		if ranOut {
			c.note("%s: stopped after %.0f s, with %d tests passed; what it says is in %s", t.tool, time.Since(began).Seconds(), len(passed), log)
			continue
		}
		if err != nil && len(passed)+len(failed) == 0 {
			c.note("%s does not get to any test here: %v; the end of %s:\n%s", t.tool, err, log, out[max(0, len(out)-1000):])
			continue
		}
		c.must(err == nil && len(passed) > 0, "%s: %d tests passed, %d failed in %.1f s%s", t.tool, len(passed), len(failed), time.Since(began).Seconds(), summaryOf(out))
		c.tellFailed(err, failed, out, log)
	}
	return nil
}

func (c *check) tellFailed(err error, failed []string, out []byte, log string) {
	if err == nil {
		return
	}
	for i, name := range failed {
		if i == 10 {
			c.note("and more, in %s", log)
			return
		}
		c.note("failed: %s", name)
	}
	if len(failed) == 0 {
		c.note("%v; the end of %s:\n%s", err, log, out[max(0, len(out)-1000):])
	}
}

// program runs a program on the driver that this process has, and keeps what it prints.
func (c *check) program(ctx context.Context, log, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), onRealGPU)
	cmd.WaitDelay = 2 * time.Second
	out, err := cmd.CombinedOutput()
	return out, errors.Join(err, os.WriteFile(log, out, 0o644))
}

var (
	testLine    = regexp.MustCompile(`(?m)^\s*--- (PASS|FAIL): (\S+)`)
	summaryLine = regexp.MustCompile(`(?m)^=+ ((?:ERROR|RACECHECK) SUMMARY: .*)$`)
)

// tests reads which tests passed and failed out of what a test binary prints.
func tests(out []byte) (passed, failed []string) {
	for _, m := range testLine.FindAllSubmatch(out, -1) {
		if string(m[1]) == "PASS" {
			passed = append(passed, string(m[2]))
		} else {
			failed = append(failed, string(m[2]))
		}
	}
	return passed, failed
}

// summaryOf is the last line of compute-sanitizer's own.
func summaryOf(out []byte) string {
	if all := summaryLine.FindAllSubmatch(out, -1); len(all) > 0 {
		return "; " + string(bytes.TrimSpace(all[len(all)-1][1]))
	}
	return ""
}

// findTool looks for a tool of CUDA's: on the PATH, and where toolkits put it.
func findTool(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range []string{"/usr/local/cuda/bin/", "/usr/local/cuda-*/bin/", "/opt/nvidia/*/", "/opt/nvidia/*/*/"} {
		if found, _ := filepath.Glob(pattern + name); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return ""
}
