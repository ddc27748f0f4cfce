package eval

import (
	"slices"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/inject"
	"github.com/streamvet/streamvet/engine/verdict"
)

// cross counts what is said of injected stretches, by the kind of the injection.
func (s *Summary) cross() []CrossRow {
	rows := map[string]map[verdict.Defect]*CrossCell{}
	items := map[string]int{}
	for _, c := range s.crossings {
		if c.kind == "" {
			continue
		}
		items[c.kind]++
		row := rows[c.kind]
		if row == nil {
			row = map[verdict.Defect]*CrossCell{}
			rows[c.kind] = row
		}
		for d, role := range c.said(s.verdicts[c.control]) {
			if row[d] == nil {
				row[d] = &CrossCell{Defect: d, Role: role}
			}
			row[d].Items++
		}
	}
	var out []CrossRow
	for kind, row := range rows {
		r := CrossRow{Kind: kind, Items: items[kind]}
		for _, d := range verdict.Defects() {
			if cell := row[d]; cell != nil {
				cell.Share = float64(cell.Items) / float64(r.Items)
				r.Cells = append(r.Cells, *cell)
			}
		}
		out = append(out, r)
	}
	order := inject.Kinds()
	place := func(kind string) int {
		return slices.IndexFunc(order, func(k inject.Kind) bool { return k.Name == kind })
	}
	slices.SortFunc(out, func(a, b CrossRow) int {
		if pa, pb := place(a.Kind), place(b.Kind); pa != pb {
			return pa - pb
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	return out
}

// crossSlack is how far beside an injected stretch a verdict still is about it.
const crossSlack = 80 * time.Millisecond

// said names the defects of verdicts that meet an injected stretch and have no
// counterpart in the clean twin, each with its role.
func (c crossing) said(twin []verdict.Verdict) map[verdict.Defect]string {
	out := map[verdict.Defect]string{}
	for _, v := range c.verdicts {
		if !slices.ContainsFunc(c.injected, func(e inject.Entry) bool {
			return v.Start <= at(e.End)+crossSlack && v.End >= at(e.Start)-crossSlack
		}) {
			continue
		}
		if slices.ContainsFunc(twin, func(o verdict.Verdict) bool { return o.Defect == v.Defect && o.Start <= v.End && o.End >= v.Start }) {
			continue
		}
		role := "other"
		for _, e := range c.injected {
			switch {
			case e.Defect == v.Defect:
				role = "own"
			case role != "own" && inject.GoesWith(e.Defect, v.Defect):
				role = "companion"
			}
		}
		out[v.Defect] = role
	}
	return out
}
