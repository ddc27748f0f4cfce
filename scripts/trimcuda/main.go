// Command trimcuda makes a library with CUDA code compress small: the machine code for
// all GPUs but one is overwritten with zeros. The library works on that GPU as before,
// and on no other; nothing moves in it.
package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

const usage = `Usage: trimcuda IN OUT ARCH

Copies the library IN to OUT and blanks the machine code in it that a GPU of
compute capability ARCH (90: Hopper, 89: Ada, 86: A10G, 80: A100, 75: T4) does
not run.`

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	arch, err := strconv.Atoi(os.Args[3])
	if err == nil {
		err = run(os.Args[1], os.Args[2], arch)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "trimcuda: %v\n", err)
		os.Exit(1)
	}
}

func run(in, out string, arch int) error {
	library, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	f, err := elf.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	var all tally
	for _, s := range f.Sections {
		if s.Name != ".nv_fatbin" && s.Name != "__nv_relfatbin" || s.Type == elf.SHT_NOBITS {
			continue
		}
		if s.Offset+s.FileSize > uint64(len(library)) {
			return errors.New("a section ends behind the file")
		}
		if err := trim(library[s.Offset:s.Offset+s.FileSize], arch, &all); err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
	}
	if all.kept == 0 {
		return fmt.Errorf("nothing in it runs on sm_%d: it has code for %s", arch, all.archs())
	}
	fmt.Printf("%s: kept %.1f MB of code for sm_%d, blanked %.1f MB\n", in, float64(all.kept)/1e6, arch, float64(all.blanked)/1e6)
	return os.WriteFile(out, library, 0o755)
}

// tally counts bytes of code.
type tally struct {
	kept, blanked int
	seen          []int // architectures
}

func (t *tally) archs() string {
	slices.Sort(t.seen)
	var names []string
	for _, a := range slices.Compact(t.seen) {
		names = append(names, "sm_"+strconv.Itoa(a))
	}
	if names == nil {
		return "no GPU"
	}
	return strings.Join(names, ", ")
}
