package verdict

// Defect is the kind of a fault. A defect has one name everywhere: code,
// manifests, command line, API, metrics and truth files.
type Defect string

// The defects that the engine knows.
const (
	Black           Defect = "black"
	Freeze          Defect = "freeze"
	Stutter         Defect = "stutter"
	Dark            Defect = "dark"
	Overexposed     Defect = "overexposed"
	SolidColor      Defect = "solid_color"
	ColorBars       Defect = "color_bars"
	LetterboxChange Defect = "letterbox_change"
	Combing         Defect = "combing"
	Flash           Defect = "flash"
	Blockiness      Defect = "blockiness"
	Compression     Defect = "compression"
	Upscaling       Defect = "upscaling"
	Blur            Defect = "blur"
	Noise           Defect = "noise"
	Banding         Defect = "banding"
	BlockCorruption Defect = "block_corruption"

	Silence      Defect = "silence"
	Clipping     Defect = "clipping"
	Loudness     Defect = "loudness"
	TruePeak     Defect = "true_peak"
	Phase        Defect = "phase"
	DeadChannel  Defect = "dead_channel"
	DCOffset     Defect = "dc_offset"
	Hum          Defect = "hum"
	Hiss         Defect = "hiss"
	Click        Defect = "click"
	Dropout      Defect = "dropout"
	AudioStutter Defect = "audio_stutter"
	CodecDamage  Defect = "codec_damage"

	DecodeError   Defect = "decode_error"
	TimestampJump Defect = "timestamp_jump"
	FormatChange  Defect = "format_change"
	MissingTrack  Defect = "missing_track"
	Stall         Defect = "stall"
	AVDesync      Defect = "av_desync"
	Overload      Defect = "overload" // of the engine, not of the source
)

// Defects lists every defect, pictures first, then sound, then the rest.
func Defects() []Defect {
	return []Defect{
		Black, Freeze, Stutter, Dark, Overexposed, SolidColor, ColorBars, LetterboxChange, Combing, Flash,
		Blockiness, Compression, Upscaling, Blur, Noise, Banding, BlockCorruption,
		Silence, Clipping, Loudness, TruePeak, Phase, DeadChannel, DCOffset, Hum, Hiss, Click, Dropout, AudioStutter, CodecDamage,
		DecodeError, TimestampJump, FormatChange, MissingTrack, Stall, AVDesync, Overload,
	}
}

// Known tells whether d is one of Defects.
func (d Defect) Known() bool {
	for _, k := range Defects() {
		if d == k {
			return true
		}
	}
	return false
}
