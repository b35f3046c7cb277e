// The eight scenarios of tests/interop with nats.go. See ../README.md for the protocol on stdout and stdin.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	wait  = 10 * time.Second
	space = "interop.go."
)

var (
	url    string
	stdin  = bufio.NewReader(os.Stdin)
	failed bool
)

// check ends the running scenario with a reason unless ok holds.
func check(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Sprintf(format, args...))
	}
}

func must(err error) {
	check(err == nil, "%v", err)
}

func run(name string, scenario func()) {
	defer func() {
		if reason := recover(); reason != nil {
			failed = true
			fmt.Printf("FAIL %s: %v\n", name, strings.ReplaceAll(fmt.Sprint(reason), "\n", " "))
			return
		}
		fmt.Printf("ok %s\n", name)
	}()
	scenario()
}

func dial(opts ...nats.Option) *nats.Conn {
	nc, err := nats.Connect(url, opts...)
	must(err)
	return nc
}

// inbox collects what one subscription received, in order.
type inbox struct {
	mu   sync.Mutex
	msgs []*nats.Msg
}

func (in *inbox) add(m *nats.Msg) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.msgs = append(in.msgs, m)
}

func (in *inbox) all() []*nats.Msg {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]*nats.Msg(nil), in.msgs...)
}

func (in *inbox) texts() []string {
	out := []string{}
	for _, m := range in.all() {
		out = append(out, m.Subject+"="+string(m.Data))
	}
	return out
}

// await returns once want messages are here and a further round trip brought no more.
func (in *inbox) await(nc *nats.Conn, want int, what string) {
	await(func() int { return len(in.all()) }, want, what)
	must(nc.FlushTimeout(wait))
	time.Sleep(20 * time.Millisecond)
	check(len(in.all()) == want, "%s: %d messages, want %d", what, len(in.all()), want)
}

func await(count func() int, want int, what string) {
	for end := time.Now().Add(wait); count() < want; time.Sleep(time.Millisecond) {
		check(time.Now().Before(end), "%s: timeout with %d messages of %d", what, count(), want)
	}
}

func subscribe(nc *nats.Conn, subject string) *inbox {
	in := &inbox{}
	_, err := nc.Subscribe(subject, in.add)
	must(err)
	return in
}

func queueSubscribe(nc *nats.Conn, subject, queue string) *inbox {
	in := &inbox{}
	_, err := nc.QueueSubscribe(subject, queue, in.add)
	must(err)
	return in
}

func same(got, want []string, what string) {
	check(reflect.DeepEqual(got, want), "%s: %d messages differ from the %d wanted", what, len(got), len(want))
}

func pubsubWildcards() {
	p := space + "wild"
	a, b := dial(), dial()
	defer a.Close()
	defer b.Close()
	patterns := map[string]func(string) bool{
		p + ".a.b": func(s string) bool { return s == p+".a.b" },
		p + ".*.b": func(s string) bool { return s == p+".a.b" || s == p+".x.b" },
		p + ".*.*": func(s string) bool { return strings.Count(s, ".") == 4 },
		p + ".>":   func(s string) bool { return s != p },
		p + ".*":   func(s string) bool { return s == p+".a" },
		p + "x.>":  func(s string) bool { return false },
	}
	inboxes := map[string]*inbox{}
	for pattern := range patterns {
		inboxes[pattern] = subscribe(a, pattern)
	}
	must(a.FlushTimeout(wait))

	want := map[string][]string{}
	for i := 0; i < 100; i++ {
		for _, s := range []string{p, p + ".a", p + ".a.b", p + ".x.b", p + ".a.c", p + ".a.b.c"} {
			text := fmt.Sprintf("%d", i)
			must(b.Publish(s, []byte(text)))
			for pattern, match := range patterns {
				if match(s) {
					want[pattern] = append(want[pattern], s+"="+text)
				}
			}
		}
	}
	must(b.FlushTimeout(wait))
	for pattern, in := range inboxes {
		in.await(a, len(want[pattern]), pattern)
		same(in.texts(), append([]string{}, want[pattern]...), pattern)
	}

	raw := subscribe(a, space+"raw")
	must(a.FlushTimeout(wait))
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	payloads := [][]byte{{}, []byte("\r\nPING\r\n"), every, bytes.Repeat(every, int(b.MaxPayload()/256))}
	for _, payload := range payloads {
		must(b.Publish(space+"raw", payload))
	}
	raw.await(a, len(payloads), "raw")
	for i, m := range raw.all() {
		check(bytes.Equal(m.Data, payloads[i]), "payload %d changed on the way", i)
	}
}

func requestReply() {
	a, b := dial(), dial()
	defer a.Close()
	defer b.Close()
	_, err := a.Subscribe(space+"echo", func(m *nats.Msg) { must(m.Respond(append([]byte("re:"), m.Data...))) })
	must(err)
	silent := subscribe(a, space+"silent")
	must(a.FlushTimeout(wait))
	ask := func(text string) error {
		m, err := b.Request(space+"echo", []byte(text), wait)
		if err == nil && string(m.Data) != "re:"+text {
			err = fmt.Errorf("asked %q, got %q", text, m.Data)
		}
		return err
	}
	for i := 0; i < 100; i++ {
		must(ask(fmt.Sprintf("one %d", i)))
	}
	errs := make(chan error, 100)
	for i := 0; i < 100; i++ {
		go func(i int) { errs <- ask(fmt.Sprintf("many %d", i)) }(i)
	}
	for i := 0; i < 100; i++ {
		must(<-errs)
	}
	_, err = b.Request(space+"silent", nil, 200*time.Millisecond)
	check(errors.Is(err, nats.ErrTimeout), "a silent responder gave %v, want a timeout", err)
	silent.await(a, 1, "silent")
}

func noResponders() {
	nc := dial()
	defer nc.Close()
	start := time.Now()
	_, err := nc.Request(space+"nobody", []byte("x"), wait)
	check(errors.Is(err, nats.ErrNoResponders), "got %v, want no responders", err)
	check(time.Since(start) < 2*time.Second, "took %v", time.Since(start))
	sub, err := nc.Subscribe(space+"nobody", func(m *nats.Msg) { must(m.Respond([]byte("here"))) })
	must(err)
	m, err := nc.Request(space+"nobody", nil, wait)
	must(err)
	check(string(m.Data) == "here", "got %q", m.Data)
	must(sub.Unsubscribe())
	_, err = nc.Request(space+"nobody", nil, wait)
	check(errors.Is(err, nats.ErrNoResponders), "after unsubscribe got %v, want no responders", err)
}

func queueGroup() {
	const total = 600
	subject := space + "work"
	pub, plainConn := dial(), dial()
	defer pub.Close()
	defer plainConn.Close()
	var members [3]*inbox
	var conns [3]*nats.Conn
	for i := range members {
		conns[i] = dial()
		defer conns[i].Close()
		members[i] = queueSubscribe(conns[i], subject, "workers")
		must(conns[i].FlushTimeout(wait))
	}
	other := queueSubscribe(conns[0], subject, "other")
	must(conns[0].FlushTimeout(wait))
	plain := subscribe(plainConn, subject)
	must(plainConn.FlushTimeout(wait))
	for i := 0; i < total; i++ {
		must(pub.Publish(subject, []byte(fmt.Sprint(i))))
	}
	must(pub.FlushTimeout(wait))
	plain.await(plainConn, total, "plain subscriber")
	other.await(conns[0], total, "second group")
	count := func() int { return len(members[0].all()) + len(members[1].all()) + len(members[2].all()) }
	await(count, total, "group")
	seen := map[string]int{}
	for i, member := range members {
		must(conns[i].FlushTimeout(wait))
		check(len(member.all()) > 0, "member %d received nothing", i)
		for _, m := range member.all() {
			seen[string(m.Data)]++
		}
	}
	check(count() == total && len(seen) == total, "%d deliveries of %d messages, want %d once each", count(), len(seen), total)
}

func headers() {
	a, b := dial(), dial()
	defer a.Close()
	defer b.Close()
	check(a.HeadersSupported(), "the server's INFO does not offer headers")
	in := subscribe(a, space+"head")
	_, err := a.Subscribe(space+"headecho", func(m *nats.Msg) {
		out := nats.NewMsg(m.Reply)
		out.Header.Set("Answer-To", m.Header.Get("Question"))
		out.Data = m.Data
		must(a.PublishMsg(out))
	})
	must(err)
	must(a.FlushTimeout(wait))

	sent := nats.NewMsg(space + "head")
	sent.Header.Set("X-One", "1")
	sent.Header.Add("X-Many", "a")
	sent.Header.Add("X-Many", "b")
	sent.Header["lower-case"] = []string{"keeps: case, and spaces"}
	sent.Header.Set("X-Unicode", "žluťoučký")
	sent.Data = []byte("body")
	must(b.PublishMsg(sent))
	bare := nats.NewMsg(space + "head")
	bare.Header.Set("Only", "header")
	must(b.PublishMsg(bare))
	must(b.Publish(space+"head", []byte("no header")))
	in.await(a, 3, "headers")
	got := in.all()
	for i, want := range []*nats.Msg{sent, bare} {
		check(reflect.DeepEqual(got[i].Header, want.Header), "header %v, want %v", got[i].Header, want.Header)
		check(bytes.Equal(got[i].Data, want.Data), "payload %q, want %q", got[i].Data, want.Data)
	}
	check(len(got[2].Header) == 0 && string(got[2].Data) == "no header", "plain message got headers %v", got[2].Header)

	ask := nats.NewMsg(space + "headecho")
	ask.Header.Set("Question", "why")
	ask.Data = []byte("payload")
	m, err := b.RequestMsg(ask, wait)
	must(err)
	check(m.Header.Get("Answer-To") == "why" && string(m.Data) == "payload", "reply %v %q", m.Header, m.Data)
}

func drain() {
	// Everything published before the drain is handled, nothing after it arrives.
	const own = 500
	pub := dial()
	defer pub.Close()
	watch := subscribe(pub, space+"drained")
	must(pub.FlushTimeout(wait))
	closed := make(chan struct{})
	nc := dial(nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	in := &inbox{}
	_, err := nc.Subscribe(space+"drain", func(m *nats.Msg) { time.Sleep(100 * time.Microsecond); in.add(m) })
	must(err)
	for i := 0; i < own; i++ {
		must(nc.Publish(space+"drain", []byte(fmt.Sprint(i))))
		must(nc.Publish(space+"drained", []byte(fmt.Sprint(i))))
	}
	must(nc.Drain())
	select {
	case <-closed:
	case <-time.After(wait):
		panic("the connection did not close after the drain")
	}
	check(len(in.all()) == own, "%d messages handled before close, want %d", len(in.all()), own)
	watch.await(pub, own, "published before the drain")
	_, err = pub.Request(space+"drain", nil, wait)
	check(errors.Is(err, nats.ErrNoResponders), "drained subscription: got %v, want no responders", err)

	// A queue member that drains under load loses nothing and repeats nothing.
	const total = 3000
	stay, leave := dial(), dial()
	defer stay.Close()
	defer leave.Close()
	var mu sync.Mutex
	seen := map[string]int{}
	deliveries := 0
	handler := func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		seen[string(m.Data)]++
		deliveries++
	}
	_, err = stay.QueueSubscribe(space+"shift", "q", handler)
	must(err)
	leaving, err := leave.QueueSubscribe(space+"shift", "q", handler)
	must(err)
	must(stay.FlushTimeout(wait))
	must(leave.FlushTimeout(wait))
	for i := 0; i < total; i++ {
		must(pub.Publish(space+"shift", []byte(fmt.Sprint(i))))
		if i == total/2 {
			must(pub.FlushTimeout(wait))
			must(leaving.Drain())
		}
	}
	must(pub.FlushTimeout(wait))
	await(func() int { mu.Lock(); defer mu.Unlock(); return len(seen) }, total, "queue member draining under load")
	mu.Lock()
	defer mu.Unlock()
	check(deliveries == total, "%d deliveries of %d messages", deliveries, total)
}

func flush() {
	const total = 2000
	a, b := dial(), dial()
	defer a.Close()
	defer b.Close()
	own, err := a.SubscribeSync(space + "flush")
	must(err)
	other := subscribe(b, space+"flush")
	must(b.FlushTimeout(wait))
	for i := 0; i < total; i++ {
		must(a.Publish(space+"flush", []byte(fmt.Sprint(i))))
	}
	must(a.FlushTimeout(wait))
	// The PONG comes behind everything the server had for this connection.
	pending, _, err := own.Pending()
	must(err)
	check(pending == total, "%d own messages ahead of the PONG, want %d", pending, total)
	other.await(b, total, "other connection")
	for i, m := range other.all() {
		check(string(m.Data) == fmt.Sprint(i), "message %d is %q", i, m.Data)
	}
	rtt, err := a.RTT()
	must(err)
	check(rtt > 0 && rtt < wait, "RTT %v", rtt)
}

func reconnect() {
	reconnected := make(chan struct{}, 10)
	nc := dial(nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	defer nc.Close()
	plain := subscribe(nc, space+"again.*")
	queue := queueSubscribe(nc, space+"again.*", "q")
	_, err := nc.Subscribe(space+"againecho", func(m *nats.Msg) { must(m.Respond(m.Data)) })
	must(err)
	gone, err := nc.Subscribe(space+"again.*", func(m *nats.Msg) { panic("unsubscribed before the restart") })
	must(err)
	must(gone.Unsubscribe())
	must(nc.Publish(space+"again.x", []byte("before")))
	plain.await(nc, 1, "before the restart")

	fmt.Println("RESTART")
	line, err := stdin.ReadString('\n')
	must(err)
	check(line == "RESTARTED\n", "driver said %q", line)
	select {
	case <-reconnected:
	case <-time.After(wait):
		panic("no reconnect")
	}
	must(nc.FlushTimeout(wait))
	fresh := dial()
	defer fresh.Close()
	for i := 0; i < 50; i++ {
		must(nc.Publish(space+"again.own", []byte(fmt.Sprint(i))))
		must(fresh.Publish(space+"again.fresh", []byte(fmt.Sprint(i))))
	}
	must(fresh.FlushTimeout(wait))
	plain.await(nc, 101, "subscription after the restart")
	queue.await(nc, 101, "queue subscription after the restart")
	m, err := fresh.Request(space+"againecho", []byte("ping"), wait)
	must(err)
	check(string(m.Data) == "ping", "got %q", m.Data)
}

func main() {
	url = os.Args[1]
	run("pubsub_wildcards", pubsubWildcards)
	run("request_reply", requestReply)
	run("no_responders", noResponders)
	run("queue_group", queueGroup)
	run("headers", headers)
	run("drain", drain)
	run("flush", flush)
	run("reconnect", reconnect)
	if failed {
		os.Exit(1)
	}
}
