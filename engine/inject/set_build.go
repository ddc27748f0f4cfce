package inject

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// SetResult is what the making of a set came to.
type SetResult struct {
	Set      Set
	Made     int      // items that were made now
	There    int      // items that were there before
	LeftOut  []string // clips and kinds that are not in it, with the reason
	Failed   []error  // of items that could not be made
	Warnings []string
}

// BuildSet makes a set, or what is missing of it. Several runs may work on one
// folder at the same time. An item appears whole or not at all; after a cancelled
// ctx what was made stays, and the next run goes on from there.
func BuildSet(ctx context.Context, t Tools, dir string, p SetPlan, parallel int, progress func(SetProgress)) (SetResult, error) {
	if err := p.check(); err != nil {
		return SetResult{}, fmt.Errorf("make a set: %w", err)
	}
	b := &setBuilder{tools: t, dir: dir, plan: p, progress: progress, began: time.Now()}
	if progress == nil {
		b.progress = func(SetProgress) {}
	}
	for _, sub := range []string{"items", locksDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return SetResult{}, fmt.Errorf("make a set: %w", err)
		}
	}
	err := b.run(ctx, max(parallel, 1))
	if err != nil {
		err = fmt.Errorf("make set %s: %w", dir, err)
	}
	return b.result, err
}

const locksDir = ".locks"

type setBuilder struct {
	tools    Tools
	dir      string
	plan     SetPlan
	progress func(SetProgress)
	began    time.Time

	mu     sync.Mutex
	result SetResult
	done   int
}

func (b *setBuilder) run(ctx context.Context, parallel int) error {
	clips, err := b.lookAtAll(ctx, parallel)
	if err != nil {
		return err
	}
	set, leftOut, err := b.plan.planSet(ctx, b.tools, clips)
	if err != nil {
		return err
	}
	b.result.LeftOut = append(b.result.LeftOut, leftOut...)
	if err := b.join(ctx, &set); err != nil {
		return err
	}
	b.result.Set = set
	return b.makeAll(ctx, set, parallel)
}

// lookAtAll hashes the clips and looks at the stretches of them. A clip that
// cannot be read is left out, with the reason.
func (b *setBuilder) lookAtAll(ctx context.Context, parallel int) ([]clipPlan, error) {
	found := make([]*clipPlan, len(b.plan.Clips))
	err := b.each(ctx, parallel, len(found), func(ctx context.Context, i int) error {
		c := clipPlan{clip: b.plan.Clips[i]}
		err := b.lookAt(ctx, &c)
		if err == nil {
			found[i] = &c
		}
		b.tell("look at clips", len(found), filepath.Base(c.clip.Path))
		if err != nil && ctx.Err() == nil {
			b.note(func(r *SetResult) {
				r.LeftOut = append(r.LeftOut, fmt.Sprintf("%s: %v", b.plan.Clips[i].Path, err))
			})
		}
		return nil
	})
	var out []clipPlan
	seen := map[string]bool{}
	for _, c := range found {
		if c != nil && !seen[c.clip.ID] {
			seen[c.clip.ID] = true
			out = append(out, *c)
		}
	}
	if err == nil && len(out) == 0 {
		err = errors.New("none of the clips can be used")
		if n := len(b.result.LeftOut); n > 0 {
			err = fmt.Errorf("none of the clips can be used: %s", b.result.LeftOut[0])
		}
	}
	return out, err
}

const shortestSetClip = setLead + setTail + 1

func (b *setBuilder) lookAt(ctx context.Context, c *clipPlan) error {
	if err := c.clip.identify(); err != nil {
		return err
	}
	media, err := b.tools.probe(ctx, c.clip.Path)
	if err != nil {
		return err
	}
	if media.Duration < shortestSetClip {
		return fmt.Errorf("it lasts %.2f s, and %.1f s are the least", media.Duration, shortestSetClip)
	}
	c.clip.Length = min(media.Duration, b.plan.Seconds)
	if spare := media.Duration - c.clip.Length; spare > 0.5 {
		rng := rand.New(rand.NewPCG(seedOf(b.plan.Seed, c.clip.SHA256, "stretch"), 1))
		c.clip.From = float64(int(spare*rng.Float64()*10)) / 10
	}
	if c.look, err = lookAtClip(ctx, b.tools, input{path: c.clip.Path, from: c.clip.From, length: c.clip.Length}); err != nil {
		return err
	}
	// What cannot be encoded at all is told of the clip, and not of each item.
	job := Job{Out: "x" + b.plan.Container, Encoder: b.plan.Encoder, SoundEncoder: b.plan.SoundEncoder, Quality: b.plan.Quality}
	_, err = chooseEncoding(ctx, b.tools, job, c.look.media)
	return err
}

// join adds the set to the one that is there already.
func (b *setBuilder) join(ctx context.Context, set *Set) error {
	lock, err := b.lock(ctx, "set", true)
	if err != nil {
		return err
	}
	defer lock.Close()
	old, err := LoadSet(b.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := old.merge(*set); err != nil {
			return err
		}
		*set = old
	}
	return set.save(b.dir)
}

// makeAll makes every item that is not there. What another run is making is
// waited for at the end.
func (b *setBuilder) makeAll(ctx context.Context, set Set, parallel int) error {
	todo := slices.DeleteFunc(slices.Clone(set.Items), func(i SetItem) bool { return set.done(b.dir, i) })
	b.result.There = len(set.Items) - len(todo)
	b.done = b.result.There
	var busy []SetItem
	pass := func(items []SetItem, wait bool) error {
		return b.each(ctx, parallel, len(items), func(ctx context.Context, n int) error {
			lock, err := b.lock(ctx, items[n].ID, wait)
			if err != nil {
				return err
			}
			if lock == nil {
				b.note(func(*SetResult) { busy = append(busy, items[n]) })
				return nil
			}
			defer lock.Close()
			return b.makeOne(ctx, set, items[n])
		})
	}
	if err := pass(todo, false); err != nil {
		return err
	}
	return pass(busy, true)
}

func (b *setBuilder) makeOne(ctx context.Context, set Set, i SetItem) error {
	if set.done(b.dir, i) { // by another run meanwhile
		b.note(func(r *SetResult) { r.There++ })
		b.tell("make items", len(set.Items), i.ID)
		return nil
	}
	b.sweep(i)
	job, err := set.job(b.dir, i)
	var made Result
	if err == nil {
		made, err = Run(ctx, b.tools, job)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.note(func(r *SetResult) {
		if err != nil {
			r.Failed = append(r.Failed, fmt.Errorf("%s: %w", i.ID, err))
			return
		}
		r.Made++
		for _, w := range made.Warnings {
			r.Warnings = append(r.Warnings, i.ID+": "+w)
		}
	})
	b.tell("make items", len(set.Items), i.ID)
	return nil
}

// sweep removes what a run that was killed left of an item. The lock is held.
func (b *setBuilder) sweep(i SetItem) {
	pattern := filepath.Join(b.dir, filepath.Dir(i.Media), "."+filepath.Base(i.Media)+"*.partial-*")
	left, _ := filepath.Glob(pattern)
	for _, path := range left {
		os.Remove(path)
	}
}

// each calls f for 0..n-1, some at the same time, until one fails.
func (b *setBuilder) each(ctx context.Context, parallel, n int, f func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	next := make(chan int)
	for range min(parallel, max(n, 1)) {
		group.Go(func() {
			for i := range next {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}

func (b *setBuilder) note(f func(*SetResult)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.result)
}

func (b *setBuilder) tell(step string, total int, now string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	b.progress(SetProgress{Step: step, Done: b.done, Total: total, Now: now, Elapsed: time.Since(b.began)})
	if step == "look at clips" && b.done == total {
		b.done, b.began = 0, time.Now()
	}
}

// lock takes a lock that ends with the process. Without wait it gives nil where
// another process has it.
func (b *setBuilder) lock(ctx context.Context, name string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(b.dir, locksDir, name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) || !wait:
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, nil
			}
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

const lockPoll = 200 * time.Millisecond
