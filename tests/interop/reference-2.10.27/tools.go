//go:build tools

// Pins the reference server; see go.mod.
package tools

import _ "github.com/nats-io/nats-server/v2"
