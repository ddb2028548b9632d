package record

// Kinds of events that metrics are made of.
const (
	BreakerTripped   = "breaker-tripped"   // a circuit breaker has stopped a stream
	BreakerReduced   = "breaker-reduced"   // or let it send at a tenth
	BreakerObserved  = "breaker-observed"  // it would have
	BreakerWatched   = "breaker-watched"   // and so would another one, which is named
	BreakerLeft      = "breaker-left"      // a receiver has left its session
	BreakerAlarm     = "breaker-alarm"     // it can't judge
	BreakerRestarted = "breaker-restarted" // the stream goes on
	BreakerLifted    = "breaker-lifted"    // without the reduction

	Freeze = "freeze" // a picture has stood still until now

	UplinkPaused  = "uplink-paused" // nobody gets what a flow would have
	UplinkResumed = "uplink-resumed"

	BoxDied      = "middlebox-died"
	BoxRestarted = "middlebox-restarted"

	Glare             = "glare"              // an offer came while one was on its way
	OfferSent         = "offer-sent"         // by the endpoint
	OfferAccepted     = "offer-accepted"     // the other end's
	OfferAgreed       = "offer-agreed"       // its own, by the other end
	ChangeCancelled   = "change-cancelled"   // as the other end's has won
	NegotiationFailed = "negotiation-failed" // an offer came to nothing
	CandidateGathered = "candidate-gathered" // by the endpoint
	GatheringFailed   = "gathering-failed"   // a server gives none
	GatheringComplete = "gathering-complete" // there won't be any more
	PairSelected      = "pair-selected"      // its packets go by another pair from now on
	LineOpened        = "line-opened"        // by the endpoint, to one of several devices
	LineClosed        = "line-closed"
	FirstFrame        = "first-frame"   // of a stream was played, in a call that is signalled
	FirstOfCall       = "first-of-call" // the first one that was captured after its sender had agreed on the call

	DigitReceived = "digit-received" // by the receiver of a flow: a key, and for how long it was pressed
)
