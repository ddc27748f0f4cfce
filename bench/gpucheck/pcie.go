package gpucheck

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pcieReading is what nvidia-smi says of the bus, in MB/s, the mean of its readings. It
// counts everything that the GPU receives and sends, not our copies alone.
type pcieReading struct {
	ToDevice, ToHost float64
	Readings         int
}

// pcie is a watch of the bus under way; nil where there is no nvidia-smi.
type pcie struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func startPCIe(ctx context.Context, ordinal int) *pcie {
	p := &pcie{}
	p.cmd = exec.CommandContext(ctx, "nvidia-smi", "dmon", "-s", "t", "-d", "1", "-c", "60", "-i", strconv.Itoa(ordinal))
	p.cmd.Stdout = &p.out
	p.cmd.WaitDelay = time.Second
	if p.cmd.Start() != nil {
		return nil
	}
	return p
}

func (p *pcie) stop() (*pcieReading, error) {
	if p == nil {
		return nil, errors.New("nvidia-smi is not here to tell what it sees of the bus")
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait() // it was ended by a signal
	return readPCIe(p.out.String())
}

// readPCIe takes the columns rxpci and txpci out of what dmon prints.
func readPCIe(text string) (*pcieReading, error) {
	r := &pcieReading{}
	rx, tx := -1, -1
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		words := strings.Fields(strings.TrimPrefix(lines.Text(), "#"))
		if strings.HasPrefix(lines.Text(), "#") {
			for i, w := range words {
				switch w {
				case "rxpci":
					rx = i
				case "txpci":
					tx = i
				}
			}
			continue
		}
		if rx < 0 || tx < 0 || len(words) <= max(rx, tx) {
			continue
		}
		in, err1 := strconv.ParseFloat(words[rx], 64)
		out, err2 := strconv.ParseFloat(words[tx], 64)
		if err1 != nil || err2 != nil { // "-": not known on this GPU
			continue
		}
		r.ToDevice, r.ToHost, r.Readings = r.ToDevice+in, r.ToHost+out, r.Readings+1
	}
	if r.Readings == 0 {
		return nil, fmt.Errorf("nvidia-smi dmon tells nothing of the bus here: %q", strings.TrimSpace(text))
	}
	r.ToDevice, r.ToHost = r.ToDevice/float64(r.Readings), r.ToHost/float64(r.Readings)
	return r, nil
}
