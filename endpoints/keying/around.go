package keying

// Around is a step with another one in it, of which it shows what a Step needn't have.
type Around struct{ Step }

// Profile returns that of the step, if it negotiates one.
func (a Around) Profile() (Profile, bool) {
	if n, ok := a.Step.(Negotiator); ok {
		return n.Profile()
	}
	return AES128CMSHA180, true
}

// Closed returns that of the step, if it can be closed.
func (a Around) Closed() bool {
	c, ok := a.Step.(Closer)
	return ok && c.Closed()
}

// Err returns that of the step, if it can fail.
func (a Around) Err() error {
	if f, ok := a.Step.(Failer); ok {
		return f.Err()
	}
	return nil
}

// Drawn returns that of the step, if it is somebody else's.
func (a Around) Drawn() bool {
	f, ok := a.Step.(Foreign)
	return ok && f.Drawn()
}

// KeyLog returns that of the step, if it has one.
func (a Around) KeyLog() string {
	if l, ok := a.Step.(KeyLogger); ok {
		return l.KeyLog()
	}
	return ""
}
