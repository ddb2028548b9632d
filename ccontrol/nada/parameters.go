package nada

import (
	"fmt"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/units"
)

// parameters are those of Table 2. Rates are in bit/s, delays in milliseconds.
type parameters struct {
	prio, rmin, rmax, xref, kappa, eta, tau, delta float64
	qeps, dfilt, gammaMax, qbound, multiloss       float64
	qth, lambda, plrref, pmrref, dloss, dmark      float64
	fps, betaS, betaV, alpha                       float64
	xmax                                           float64
	logwin, baseHorizon                            time.Duration
}

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name:       "nada",
		Summary:    "Network-Assisted Dynamic Adaptation: delay, loss and ECN in one signal",
		Source:     "RFC 8698",
		Signals:    signals,
		Needs:      ccontrol.NeedsPackets,
		Parameters: table2,
		New:        newController,
	})
}

const rfc = ccontrol.Source("RFC 8698 Table 2")

var table2 = []ccontrol.Parameter{
	rfc.Number("prio", "1", "PRIO, weight of the flow's priority", 0.01, 100),
	rfc.Rate("rmin", "0bps", "RMIN, minimum rate; 0bps is what audio and the most valued video need at least"),
	rfc.Rate("rmax", "0bps", "RMAX, maximum rate; 0bps is the sum of the media's maximum rates"),
	rfc.Duration("xref", "10ms", "XREF, reference congestion level", 0.001, 60),
	rfc.Number("kappa", "0.5", "KAPPA, scaling of the gradual rate update", 0.001, 10),
	rfc.Number("eta", "2", "ETA, scaling of the gradual rate update", 0.001, 100),
	rfc.Duration("tau", "500ms", "TAU, upper bound of RTT in the gradual rate update", 0.001, 60),
	rfc.Duration("delta", "100ms", "DELTA, target feedback interval", 0.001, 60),
	rfc.Duration("logwin", "500ms", "LOGWIN, observation window", 0.001, 60),
	rfc.Duration("qeps", "10ms", "QEPS, threshold of queuing delay build-up", 0.001, 60),
	rfc.Duration("dfilt", "120ms", "DFILT, bound on filtering delay", 0.001, 60),
	rfc.Number("gamma-max", "0.5", "GAMMA_MAX, upper bound on the ramp-up's increase", 0.001, 10),
	rfc.Duration("qbound", "50ms", "QBOUND, upper bound on self-inflicted delay in ramp-up", 0.001, 60),
	rfc.Number("multiloss", "7", "MULTILOSS, multiplier of the loss expiration threshold", 0, 1000),
	rfc.Duration("qth", "50ms", "QTH, delay threshold of non-linear warping", 0.001, 60),
	rfc.Number("lambda", "0.5", "LAMBDA, exponent of non-linear warping", 0, 100),
	rfc.Number("plrref", "0.01", "PLRREF, reference packet loss ratio", 1e-6, 1),
	rfc.Number("pmrref", "0.01", "PMRREF, reference packet marking ratio", 1e-6, 1),
	rfc.Duration("dloss", "10ms", "DLOSS, delay penalty of loss at PLRREF", 0.001, 60),
	rfc.Duration("dmark", "2ms", "DMARK, delay penalty of marking at PMRREF", 0.001, 60),
	rfc.Number("fps", "30", "FPS, frame rate of incoming video", 0.1, 1000),
	rfc.Number("beta-s", "0.1", "BETA_S, scaling of the sending rate's adjustment", 0, 10),
	rfc.Number("beta-v", "0.1", "BETA_V, scaling of the video target's adjustment", 0, 10),
	rfc.Number("alpha", "0.1", "ALPHA, smoothing of loss and marking ratios", 0.0001, 1),
	ccontrol.Source("ns3-rmcat, named in RFC 8698 §7").Duration("xmax", "500ms", "upper bound of the aggregate congestion signal", 0.001, 3.2767),
	ccontrol.Source("RFC 8698 §5.1.1").Duration("base-horizon", "10m", "how long a base delay stays valid (\"tens of minutes\")", 1, 0),
}

func newController(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
	d := func(name string) float64 { return ms(v.Duration(name)) }
	p := parameters{
		prio: v.Number("prio"), rmin: float64(v.Rate("rmin")), rmax: float64(v.Rate("rmax")),
		xref: d("xref"), kappa: v.Number("kappa"), eta: v.Number("eta"), tau: d("tau"), delta: d("delta"),
		qeps: d("qeps"), dfilt: d("dfilt"), gammaMax: v.Number("gamma-max"), qbound: d("qbound"),
		multiloss: v.Number("multiloss"), qth: d("qth"), lambda: v.Number("lambda"),
		plrref: v.Number("plrref"), pmrref: v.Number("pmrref"), dloss: d("dloss"), dmark: d("dmark"),
		fps: v.Number("fps"), betaS: v.Number("beta-s"), betaV: v.Number("beta-v"), alpha: v.Number("alpha"),
		xmax: d("xmax"), logwin: v.Duration("logwin"), baseHorizon: v.Duration("base-horizon"),
	}
	if l.Weight > 0 {
		p.prio *= l.Weight
	}
	if p.rmin == 0 {
		p.rmin = float64(l.Min)
	}
	if p.rmax == 0 {
		p.rmax = float64(l.Max)
	}
	if p.rmin > p.rmax {
		return nil, fmt.Errorf("rmin %v is larger than rmax %v: write rmin below rmax, or set rmax too",
			units.BitRate(p.rmin), units.BitRate(p.rmax))
	}
	return &controller{
		interval: v.Duration("delta") / 2,
		receiver: receiver{p: p, base: baseDelay{horizon: p.baseHorizon}},
		sender:   sender{p: p, rRef: min(max(float64(l.Start), p.rmin), p.rmax)},
	}, nil
}
