//go:build cuda

package cuda_test

import (
	"debug/elf"
	"os"
	"strings"
	"testing"
)

// go-nvml has the linker pass over what is missing, so that a name which lacks in
// driver/entries.h would be found only by the call that crashes.
func TestEveryEntryPointIsLinked(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Section == elf.SHN_UNDEF && (strings.HasPrefix(s.Name, "cu") || strings.HasPrefix(s.Name, "svc_")) {
			t.Errorf("%s is not linked: add it to driver/entries.h", s.Name)
		}
		if s.Section != elf.SHN_UNDEF && s.Name == "cuMemAlloc_v2" {
			t.Error("entry points are exported: what loads the driver itself would be given ours")
		}
	}
}
