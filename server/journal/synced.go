package journal

// Synced is the sequence of the newest record that is acknowledged. A follower may
// come to it a moment later.
func (j *Journal) Synced() uint64 {
	if n := j.tail.synced(); n != everything {
		return n
	}
	return j.State().Latest // a cluster shows a record when it is acknowledged
}
