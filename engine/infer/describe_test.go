package infer

import (
	"errors"
	"fmt"
	"testing"
)

// A network is described as it is, also where no manifest fits it.
func TestDescribe(t *testing.T) {
	l := open(t, Options{})
	for name, want := range map[string]string{
		"good":       "[luma u8[?,1,?,?]] [score f32[?] map f32[?,1,?,?]]",
		"two_inputs": "[luma u8[?,1,?,?] bias f32[1]] [score f32[?] map f32[?,1,?,?]]",
		"fixed_n":    "[luma u8[1,1,?,?]] [score f32[1] map f32[1,1,?,?]]",
	} {
		ins, outs, err := l.Describe(model(t, name))
		if got := fmt.Sprint(ins, outs); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	for _, data := range [][]byte{nil, []byte("no network")} {
		if _, _, err := l.Describe(data); err == nil {
			t.Errorf("%q was described", data)
		}
	}
	l.Close()
	if _, _, err := l.Describe(model(t, "good")); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
