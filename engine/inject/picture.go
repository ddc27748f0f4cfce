package inject

import (
	"bytes"
	"runtime"
	"sync"
)

// Picture is one raw 4:2:0 picture of 8 bits, limited range, even width and height.
type Picture struct {
	Width, Height int
	Data          []byte // Y, U, V without gaps
}

func newPicture(w, h int) *Picture {
	return &Picture{Width: w, Height: h, Data: make([]byte, pictureBytes(w, h))}
}

// pictureBytes is the size of Data. Chroma planes are rounded up.
func pictureBytes(w, h int) int {
	return w*h + 2*((w+1)/2)*((h+1)/2)
}

// plane is one plane of a picture.
type plane struct {
	w, h int
	data []byte
}

func (p plane) row(y int) []byte { return p.data[y*p.w : (y+1)*p.w] }

func (p *Picture) luma() plane { return plane{p.Width, p.Height, p.Data[:p.Width*p.Height]} }

// chroma is U for 0, V for 1.
func (p *Picture) chroma(i int) plane {
	w, h := (p.Width+1)/2, (p.Height+1)/2
	at := p.Width*p.Height + i*w*h
	return plane{w, h, p.Data[at : at+w*h]}
}

func (p *Picture) copyFrom(o *Picture) { copy(p.Data, o.Data) }

func (p *Picture) equal(o *Picture) bool { return bytes.Equal(p.Data, o.Data) }

func (p *Picture) clone() *Picture {
	return &Picture{Width: p.Width, Height: p.Height, Data: bytes.Clone(p.Data)}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// fillColor paints the whole picture.
func (p *Picture) fillColor(y, u, v byte) {
	fill(p.luma().data, y)
	fill(p.chroma(0).data, u)
	fill(p.chroma(1).data, v)
}

func clampByte(v float32) byte {
	switch {
	case v <= 0:
		return 0
	case v >= 255:
		return 255
	}
	return byte(v + 0.5)
}

// eachRow runs f over bands of h rows side by side. f must not depend on the bands.
func eachRow(h int, f func(y0, y1 int)) {
	n := min(runtime.GOMAXPROCS(0), h)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i*h/n, (i+1)*h/n) })
	}
	wg.Wait()
}
