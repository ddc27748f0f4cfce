package frame

// Geometry of the measures. The kernels use the same constants.
const (
	HistogramBins = 64 // bins of 4 eight-bit levels
	BlockSize     = 16 // luma samples a side of a block
	GridWidth     = 32 // cells across the whole picture
	GridHeight    = 18
	NoiseBins     = 64 // blocks by noise level, 2 eight-bit levels a bin
)

// Measures is all that the fused kernel says of one picture, in one pass. Luma
// and chroma are in 8-bit units: samples of a higher depth are shifted down
// (truncated), so that every depth gives comparable numbers. Sums are integers:
// every form of the kernel gives the same bits.
//
// The layout is that of struct sv_measures in device/kernels/measure.h: fixed
// size, no pointers, 8-byte fields first.
type Measures struct {
	Sum, SumSq uint64 // of luma, all visible samples

	SAD uint64 // sum of absolute luma differences to the previous picture

	// EdgeColumns[k] is the sum over all rows of min(|y[x]-y[x-1]|, 32) at the
	// columns x > 0 with x%16 == k; EdgeRows the same for rows. A coded picture
	// with hard block edges stands out at phases 0 and 8.
	EdgeColumns, EdgeRows [16]uint64

	Laplacian uint64 // sum of |4c - left - right - up - down| over inner samples
	// GradientSq1 and GradientSq4 are sums of squared horizontal differences at
	// distance 1 and 4 (over the samples where both exist). Their ratio tells the
	// width of edges: about 1/4 for sharp ones, towards 1/16 for blurred ones.
	GradientSq1, GradientSq4 uint64
	// GradientSqV1 and GradientSqV4 are the vertical twins, of the pairs whose upper
	// row y has y%4 == 0. A pan blurs one direction only.
	GradientSqV1, GradientSqV4 uint64

	USum, USumSq, VSum, VSumSq uint64 // chroma, all samples; 0 for Mono

	Width, Height uint32
	Pixels        uint32 // Width*Height
	ChromaPixels  uint32 // samples a chroma plane
	Min, Max      uint32 // luma
	UMin, UMax    uint32
	VMin, VMax    uint32

	// HistogramRows says which rows were counted: every HistogramRows-th from 0.
	HistogramRows uint32
	Histogram     [HistogramBins]uint32 // luma samples of those rows, by value/4

	HasPrevious uint32 // 1 where the previous picture had the same geometry, else 0 and the difference fields are 0
	Blocks      uint32 // whole 16x16 blocks in the picture, plus partial ones at the right and lower edge
	// BlocksChanged[k] counts blocks whose mean absolute difference to the
	// previous picture exceeds 0, 0.5, 2 and 8 levels.
	BlocksChanged [4]uint32
	BlockDiffMax  uint32 // largest block SAD in 1/256 level a sample (mean absolute difference * 256)

	CombPixels uint32 // samples that differ from the rows above and below by more than 10 levels in the same direction while those two agree within 10

	// EdgeBlocks counts blocks with at least one side on the 16-grid whose mean
	// step exceeds the mean of the neighbouring steps by more than 8 levels: what
	// lost or damaged macroblocks look like (and sharp graphics too).
	EdgeBlocks uint32

	// CombColumns is CombPixels transposed: samples that differ from their left and
	// right neighbours in the same way. Texture gives both, interlace only rows.
	CombColumns uint32

	// NoiseHistogram counts blocks by the level of Immerkaer's noise mask
	// ("Fast noise variance estimation", 1996): mean |N*y| over the inner samples of
	// a block in steps of 2 levels (sigma = 0.2089 * mean), last bin open. Only
	// whole blocks whose mean luma is within 24..228 count.
	NoiseHistogram [NoiseBins]uint32
	NoiseBlocks    uint32 // sum of NoiseHistogram

	// Contours between two plateaus, as banding leaves them (CAMBI, arXiv
	// 2102.00079, at one scale). On the rows y with y%4 == 0, horizontally and
	// vertically, a position x counts as flat on both sides if
	// Y[x-8]==Y[x-4]==Y[x] and Y[x+1]==Y[x+5]==Y[x+9] (vertically the same with
	// rows), all inside the picture. BandSamples positions were looked at; BandFlat
	// of them had no step between Y[x] and Y[x+1], BandSteps[k] one of k+1 levels.
	BandSamples, BandFlat uint32
	BandSteps             [4]uint32

	// BorderLeft and so on count the columns and rows from each edge inwards
	// whose samples are all at most 8 levels apart and at most level 40: the bars
	// of a letterbox. They reach half of the picture at most.
	BorderLeft, BorderTop, BorderRight, BorderBottom uint32

	// GridY, GridU and GridV are cell means (rounded) of a grid that covers the
	// picture; cell (i,j) spans columns i*Width/32 to (i+1)*Width/32.
	GridY, GridU, GridV [GridHeight * GridWidth]uint8
}
