package wire

import "github.com/pion/rtcp"

// SRReq is RTCP-SR-REQ, the rapid resynchronisation request (RFC 6051 §3.2): a
// receiver that can't synchronise the media source's stream asks for an SR as
// soon as the timing rules allow. It may be repeated once per reporting
// interval.
type SRReq = rtcp.RapidResynchronizationRequest
