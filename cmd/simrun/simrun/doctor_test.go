package simrun

import (
	"os"
	"testing"
)

// The digest that the doctor knows is that of this program; -rewrite notes it.
func TestDoctorDigest(t *testing.T) {
	text, err := templateText("call")
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := once(t.Context(), "call.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if err := os.WriteFile("doctor.digest", []byte(digest+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if a := samePackets(t.Context()); !a.OK {
		t.Errorf("%s\nrun go test ./cmd/simrun/simrun -run TestDoctorDigest -rewrite", a.Found)
	}
}
