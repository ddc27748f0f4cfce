package models

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	set, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	all := len(set.Detectors())
	for _, c := range []struct {
		only, without []string
		count         int
		want          string // of the error
	}{
		{nil, nil, all, ""},
		{[]string{"black", "silence"}, nil, 2, ""},
		{nil, []string{"black"}, all - 1, ""},
		{[]string{"black", "silence"}, []string{"black"}, 1, ""},
		{[]string{"blakc"}, nil, 0, `there is no detector "blakc": did you mean black?`},
		{nil, []string{"melancholy"}, 0, `there is no detector "melancholy": there are: `},
	} {
		got, err := set.Choose(c.only, c.without)
		if len(got) != c.count || (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("only %v without %v: %d detectors, %v", c.only, c.without, len(got), err)
		}
	}
	if len(set.Detectors()) != all {
		t.Error("the set has changed")
	}
}
