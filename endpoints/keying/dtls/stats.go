package dtls

import "rtpfabric/sim/units"

// Stats are totals of one end.
type Stats struct {
	// Flights counts those made, Retransmissions how often one of them was sent
	// once more: because the timer expired, as Timeouts counts, or because the
	// other end sent its own again.
	Flights, Retransmissions, Timeouts int
	// Datagrams and Bytes are what was sent, without UDP and IP headers.
	Datagrams            int
	Bytes, BytesReceived units.Bytes
	// Records counts those that were received and are good; BadRecords those
	// that can't be read or decrypted, or that have nothing to do here.
	Records, BadRecords int
	// Duplicates counts records and handshake messages that came before.
	Duplicates                    int
	AlertsSent, AlertsReceived    int
	FragmentsSent, FragmentsTaken int
}
