package wire

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// Kind is what an RTCP message is for: its packet type, and of feedback messages the format.
type Kind uint8

// The kinds, in the order in which they are shown.
const (
	SenderReport Kind = iota
	ReceiverReport
	SourceDescription
	Goodbye
	ExtendedReport // RFC 3611
	GenericNACK    // RFC 4585 §6.2.1
	PictureLoss    // PLI, §6.3.1
	SliceLoss      // SLI, §6.3.2
	ReferenceSelection
	FullIntra            // FIR, RFC 5104 §4.3.1
	TemporaryLimit       // TMMBR, §4.2.1
	TemporaryLimitNotice // TMMBN, §4.2.2
	TradeOffRequest      // TSTR, §4.3.2
	TradeOffNotice       // TSTN, §4.3.3
	Pausing              // RFC 7728 §7
	SenderReportRequest  // RFC 6051 §3.2
	CongestionFeedback   // RFC 8888 §3.1
	TransportWide        // of draft-holmer-rmcat-transport-wide-cc-extensions
	ReceiverEstimate     // of draft-alvestrand-rmcat-remb
	MarksFeedback        // ECN, RFC 6679 §5.1
	ApplicationDefined
	OtherMessage
	Kinds int = iota
)

var kinds = [...]string{
	SenderReport: "SR", ReceiverReport: "RR", SourceDescription: "SDES", Goodbye: "BYE", ExtendedReport: "XR", GenericNACK: "NACK",
	PictureLoss: "PLI", SliceLoss: "SLI", ReferenceSelection: "RPSI", FullIntra: "FIR", TemporaryLimit: "TMMBR",
	TemporaryLimitNotice: "TMMBN", TradeOffRequest: "TSTR", TradeOffNotice: "TSTN", Pausing: "PAUSE",
	SenderReportRequest: "SR-REQ", CongestionFeedback: "CCFB", TransportWide: "TWCC", ReceiverEstimate: "REMB",
	MarksFeedback: "ECN", ApplicationDefined: "APP", OtherMessage: "other",
}

// String returns the name that the standard gives the message.
func (k Kind) String() string { return kinds[k] }

// Census counts messages by their kind.
type Census [Kinds]uint64

// Count counts the messages of a compound packet in the clear. It ends where the packet isn't one of RTCP any more.
func (c *Census) Count(compound []byte) {
	for b := compound; len(b) >= headerSize; {
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if b[0]>>6 != 2 || size > len(b) {
			return
		}
		c[kindOf(b[:size])]++
		b = b[size:]
	}
}

// kindOf returns the kind of one message.
func kindOf(b []byte) Kind {
	format := b[0] & 0x1f
	switch rtcp.PacketType(b[1]) {
	case rtcp.TypeSenderReport:
		return SenderReport
	case rtcp.TypeReceiverReport:
		return ReceiverReport
	case rtcp.TypeSourceDescription:
		return SourceDescription
	case rtcp.TypeGoodbye:
		return Goodbye
	case rtcp.TypeApplicationDefined:
		return ApplicationDefined
	case rtcp.TypeExtendedReport:
		return ExtendedReport
	case rtcp.TypeTransportSpecificFeedback:
		if k := transportFeedback[format]; k != 0 {
			return k
		}
	case rtcp.TypePayloadSpecificFeedback:
		if format == rtcp.FormatREMB && (len(b) < feedbackSize+4 || string(b[feedbackSize:feedbackSize+4]) != "REMB") {
			return OtherMessage
		}
		if k := payloadFeedback[format]; k != 0 {
			return k
		}
	}
	return OtherMessage
}

// Kinds by the five bits of the format; 0 is none, as no feedback is a sender report.
var transportFeedback = [32]Kind{
	rtcp.FormatTLN: GenericNACK, FormatTMMBR: TemporaryLimit, FormatTMMBN: TemporaryLimitNotice, FormatECN: MarksFeedback,
	FormatPause: Pausing, rtcp.FormatRRR: SenderReportRequest,
	rtcp.FormatCCFB: CongestionFeedback, rtcp.FormatTCC: TransportWide,
}

var payloadFeedback = [32]Kind{
	rtcp.FormatPLI: PictureLoss, rtcp.FormatSLI: SliceLoss, FormatRPSI: ReferenceSelection, rtcp.FormatFIR: FullIntra,
	FormatTSTR: TradeOffRequest, FormatTSTN: TradeOffNotice, rtcp.FormatREMB: ReceiverEstimate,
}
