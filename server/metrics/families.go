package metrics

// families are all metrics, by what they are about.
type families struct {
	build family

	media, frames, looks, uploads, dropped, raised, stage, latency family
	slots, slotsTaken, batch                                       family
	copies, copied                                                 family

	sources, sourcesMax, connections, open, queue, lost, followers, followersMax family
	packets, packetBytes                                                         family
	sourceFrames, sourceDropped, sourceOpen, sourceConnections, sourceQueue      family

	journalState, journalBytes, journalMaxBytes, journalRecords, journalFirst, journalLatest, journalDamaged family

	gpuBusy, gpuDecoder, gpuMemory, gpuMemoryTotal, gpuSeconds, decoderSeconds family

	cpuPerHour, gpuPerHour, costPerHour, price family
}

func (m *Metrics) newFamilies() families {
	return families{
		build: m.gauge("build_info", "Always 1; the labels tell what runs.", "version", "device"),

		media:   m.counter("media_seconds", "Media time that was vetted, of all sources: 3600 of these are a stream-hour."),
		frames:  m.counter("frames", "Pictures decoded."),
		looks:   m.counter("looks", "Pictures and windows of sound given to networks."),
		uploads: m.counter("uploads", "Pictures that the GPU's decoder refused: decoded in software and brought to the GPU."),
		dropped: m.counter("frames_dropped", "Pictures that a detector should have seen and had no time for.", "detector"),
		raised:  m.counter("verdicts_raised", "Defects found.", "defect"),
		stage:   m.histogram("stage_seconds", "Time of a stage for one picture or block of sound; decode and slot_wait are wall time, others processor time.", "stage"),
		latency: m.histogram("latency_seconds", "From a picture out of the decoder to its scores, those of networks included."),

		packets:     m.gauge("packet_queue", "Packets that were read and wait to be decoded, of all sources; a source reads no further at 512 of a track."),
		packetBytes: m.gauge("packet_queue_bytes", "Their size; the bound is 16 MiB of a track."),

		slots:      m.gauge("network_slots", "Pictures that may wait for a network or be in a run of it: the bound of its queue.", "detector", "shadow"),
		slotsTaken: m.gauge("network_slots_taken", "Pictures that wait for a network or are in a run of it.", "detector", "shadow"),
		batch:      m.histogram("network_batch_size", "Pictures in one run of a network.", "detector", "shadow"),

		copies: m.counter("copies", "Copies over the bus between host and GPU.", "direction", "purpose"),
		copied: m.counter("copied_bytes", "Bytes over the bus between host and GPU.", "direction", "purpose"),

		sources:      m.gauge("sources", "Sources by what they do.", "state"),
		sourcesMax:   m.gauge("sources_max", "How many sources there may be; absent without a limit."),
		connections:  m.counter("connections", "Connections to sources; those after a source's first are restarts."),
		open:         m.gauge("verdicts_open", "Defects that go on."),
		queue:        m.gauge("verdict_queue", "Verdicts that wait to be stored, of all sources."),
		lost:         m.counter("verdicts_lost", "Verdicts that could not be kept until the journal took them."),
		followers:    m.gauge("followers", "Calls that follow verdicts."),
		followersMax: m.gauge("followers_max", "How many may."),

		sourceFrames:      m.counter("source_frames", "Pictures decoded, by source; with metrics.per_source.", "source"),
		sourceDropped:     m.counter("source_frames_dropped", "As frames_dropped_total, by source; with metrics.per_source.", "source"),
		sourceOpen:        m.gauge("source_verdicts_open", "Defects that go on, by source; with metrics.per_source.", "source"),
		sourceConnections: m.counter("source_connections", "Connections, by source; with metrics.per_source.", "source"),
		sourceQueue:       m.gauge("source_verdict_queue", "Verdicts that wait to be stored, by source; with metrics.per_source.", "source"),

		journalState:    m.gauge("journal_state", "1 for the state that the journal is in.", "state"),
		journalBytes:    m.gauge("journal_bytes", "What verdicts and pictures take on disk."),
		journalMaxBytes: m.gauge("journal_max_bytes", "What they may take; absent without a limit."),
		journalRecords:  m.gauge("journal_records", "Verdicts that are kept."),
		journalFirst:    m.gauge("journal_first_sequence", "Sequence of the oldest."),
		journalLatest:   m.gauge("journal_latest_sequence", "Sequence of the newest."),
		journalDamaged:  m.gauge("journal_damaged_records", "Verdicts that were found damaged on disk at the start."),

		gpuBusy:        m.gauge("gpu_busy_ratio", "Share of the last second or so in which kernels ran; absent where it is not known."),
		gpuDecoder:     m.gauge("gpu_decoder_busy_ratio", "Share of the GPU's decoders in use; absent where it is not known."),
		gpuMemory:      m.gauge("gpu_memory_bytes", "Memory of the GPU in use, by all processes; absent where it is not known."),
		gpuMemoryTotal: m.gauge("gpu_memory_total_bytes", "Memory of the GPU; absent where it is not known."),
		gpuSeconds:     m.counter("gpu_busy_seconds", "gpu_busy_ratio over time."),
		decoderSeconds: m.counter("gpu_decoder_busy_seconds", "gpu_decoder_busy_ratio over time."),

		cpuPerHour:  m.gauge("cpu_seconds_per_stream_hour", "Processor time of this process for an hour of media, since the start."),
		gpuPerHour:  m.gauge("gpu_seconds_per_stream_hour", "GPU time for an hour of media, since the start."),
		costPerHour: m.gauge("cost_per_stream_hour", "metrics.instance_price times the hours since the start, for an hour of media."),
		price:       m.gauge("instance_price", "metrics.instance_price: what this machine costs an hour."),
	}
}
