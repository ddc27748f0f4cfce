package inject

import "testing"

// BenchmarkPictures times the edits of one 1080p picture.
func BenchmarkPictures(b *testing.B) {
	for _, k := range pictureKinds() {
		b.Run(k.Name, func(b *testing.B) {
			spec, err := ParseSpec(k.Name + "@1")
			if err != nil {
				b.Fatal(err)
			}
			edit := k.picture(pictureContext{params: spec.Params, width: 1920, height: 1080, rate: Rate{25, 1}})
			p := newPicture(1920, 1080)
			for n := range p.Data {
				p.Data[n] = byte(n * 7)
			}
			for n := int64(0); b.Loop(); n++ {
				edit(p, n)
			}
		})
	}
	b.Run("compare", func(b *testing.B) {
		p, q := newPicture(1920, 1080), newPicture(1920, 1080)
		q.paintMiddle(0.5, 200, 90, 90)
		for b.Loop() {
			lookAt(p, q)
		}
	})
}
