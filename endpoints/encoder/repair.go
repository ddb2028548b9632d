package encoder

// Repairer is an encoder that can repair a receiver's picture by less than a key frame.
// What is asked for goes into the next frame; a key frame makes up for all of it.
type Repairer interface {
	Encoder
	// RefreshPart codes a part of the picture, 0 to 1, without prediction, which is how
	// to react to SLI (RFC 4585 §6.3.2.4). Of several parts the largest counts: each is
	// to include those before.
	RefreshPart(share float64)
	// PredictFrom predicts the frame from the one with the given number instead of the
	// one before, as RPSI asks (RFC 4585 §6.3.3.1). It reports false, and does nothing,
	// if that isn't kept, or a key frame has come since. Of several numbers the lowest
	// counts.
	PredictFrom(number uint64) bool
}

// References is how many frames before the next one an encoder can predict from.
const References = 64

// halfway is how many frames older than usual a reference is if the frame that is
// predicted from it costs as much as one of which a half is coded without prediction.
//
// RFC 4585 §6.3.3.3 says only that the cost grows with age; that the gain of prediction
// falls off hyperbolically with the distance is an assumption.
const halfway = 8.0

// repairs are what the next frame repairs.
type repairs struct {
	part      float64
	distant   bool
	reference uint64
	refreshed uint64 // number of the last key frame
}

func (r *repairs) refreshPart(share float64) { r.part = max(r.part, min(share, 1)) }

func (r *repairs) predictFrom(next, number uint64) bool {
	if number >= next || next-number > References || number < r.refreshed {
		return false
	}
	if r.distant { // what was asked for first isn't there either
		number = min(number, r.reference)
	}
	r.distant, r.reference = true, number
	return true
}

// cost returns what a frame costs more than one that repairs nothing, 0 to 1, where 1
// is what a key frame does.
func (r *repairs) cost(next uint64) float64 {
	cost := r.part
	if r.distant {
		older := float64(next - r.reference - 1)
		cost = max(cost, older/(older+halfway))
	}
	return cost
}

// place tells what a frame repairs, and ends the request.
func (r *repairs) place(f *Frame) {
	if f.Key {
		r.refreshed = f.Number
	} else {
		f.Part, f.Distant, f.Reference = r.part, r.distant, r.reference
	}
	r.part, r.distant = 0, false
}
