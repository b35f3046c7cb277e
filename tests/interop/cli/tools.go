//go:build tools

// Pins the `nats` command line that the scenarios drive; see go.mod (current Go) and go119.mod (Go 1.19).
package tools

import _ "github.com/nats-io/natscli/nats"
