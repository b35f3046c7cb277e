// A client of a cluster whose servers come and go, with nats.go. See ../../README.md for what it prints.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

func must(err error) {
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

var out sync.Mutex

func say(format string, args ...any) {
	out.Lock()
	defer out.Unlock()
	fmt.Printf(format+"\n", args...)
}

func dial(urls string, options ...nats.Option) *nats.Conn {
	nc, err := nats.Connect(urls, append(options, nats.MaxReconnects(-1))...)
	must(err)
	return nc
}

func told(what string) nats.ConnHandler {
	return func(nc *nats.Conn) { say("%s %s", what, nc.ConnectedAddr()) }
}

// tellServers prints which servers a client knows, whenever that has changed.
func tellServers(nc *nats.Conn, words string) {
	for before := ""; ; time.Sleep(50 * time.Millisecond) {
		if now := strings.Join(nc.Servers(), " "); now != before {
			say("%s %s", words, now)
			before = now
		}
	}
}

// follow prints each message of a subject and each change of the connection.
func follow(urls, subject string) {
	nc := dial(urls,
		nats.ReconnectHandler(told("connected")),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { say("disconnected") }))
	told("connected")(nc)
	_, err := nc.Subscribe(subject, func(m *nats.Msg) { say("msg %s %s", m.Subject, m.Data) })
	must(err)
	must(nc.Flush())
	go tellServers(nc, "urls")
	say("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// crowd prints where each of many clients is, whenever it has moved.
func crowd(urls string, count int) {
	for i := range count {
		nc := dial(urls, nats.ReconnectHandler(told(fmt.Sprintf("connected %d", i))))
		must(nc.Flush())
		go tellServers(nc, fmt.Sprintf("urls %d", i))
	}
	say("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// stream is what came of a row of numbers: each once, and no long silence.
type stream struct {
	mu      sync.Mutex
	sent    int
	times   map[int]int // by number
	refused map[int]bool
	last    time.Time
	gap     time.Duration
	gapEnd  time.Time
}

func newStream() *stream { return &stream{times: map[int]int{}, refused: map[int]bool{}} }

func (s *stream) came(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times[number]++
	now := time.Now()
	if gap := now.Sub(s.last); !s.last.IsZero() && gap > s.gap {
		s.gap, s.gapEnd = gap, now
	}
	s.last = now
}

func (s *stream) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	return s.sent
}

func (s *stream) refuse(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[number] = true
}

func (s *stream) report() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	twice, missing := 0, []int{}
	for number := 1; number <= s.sent; number++ {
		if times := s.times[number]; times > 1 {
			twice += times - 1
		} else if times == 0 && !s.refused[number] {
			missing = append(missing, number)
		}
	}
	return map[string]any{"sent": s.sent, "came": len(s.times), "twice": twice,
		"missing": missing, "refused": len(s.refused), "gap_ms": s.gap.Milliseconds(),
		"gap_end": s.gapEnd.UTC().Format("15:04:05.000")}
}

// load publishes to itself, asks, and answers whoever asks, until stdin says so.
func load(urls, name, subject string, rate int) {
	messages, requests := newStream(), newStream()
	var mu sync.Mutex
	handled := map[string][]int{}

	receiver := dial(urls)
	_, err := receiver.Subscribe(subject+".data."+name, func(m *nats.Msg) {
		number, _ := strconv.Atoi(string(m.Data))
		messages.came(number)
	})
	must(err)
	must(receiver.Flush())

	for range 2 {
		responder := dial(urls)
		_, err := responder.QueueSubscribe(subject+".ask", "responders", func(m *nats.Msg) {
			who, number, _ := strings.Cut(string(m.Data), " ")
			n, _ := strconv.Atoi(number)
			mu.Lock()
			handled[who] = append(handled[who], n)
			mu.Unlock()
			m.Respond(nil)
		})
		must(err)
		must(responder.Flush())
	}

	requester, publisher := dial(urls), dial(urls)
	inbox := nats.NewInbox() + "."
	_, err = requester.Subscribe(inbox+"*", func(m *nats.Msg) {
		number, _ := strconv.Atoi(strings.TrimPrefix(m.Subject, inbox))
		if m.Header.Get("Status") == "503" {
			requests.refuse(number)
		} else {
			requests.came(number)
		}
	})
	must(err)
	must(requester.Flush())
	say("ready")

	stdin := bufio.NewReader(os.Stdin)
	stdin.ReadString('\n')
	stop := make(chan bool)
	go func() {
		stdin.ReadString('\n')
		close(stop)
	}()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	for running := true; running; {
		select {
		case <-stop:
			running = false
		case <-tick.C:
			publisher.Publish(subject+".data."+name, []byte(strconv.Itoa(messages.next())))
			number := strconv.Itoa(requests.next())
			requester.PublishRequest(subject+".ask", inbox+number, []byte(name+" "+number))
		}
	}
	time.Sleep(2 * time.Second) // what is on its way may arrive
	mu.Lock()
	defer mu.Unlock()
	text, err := json.Marshal(map[string]any{"messages": messages.report(),
		"requests": requests.report(), "handled": handled})
	must(err)
	say("report %s", text)
}

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "follow":
		follow(os.Args[2], os.Args[3])
	case len(os.Args) == 4 && os.Args[1] == "crowd":
		count, err := strconv.Atoi(os.Args[3])
		must(err)
		crowd(os.Args[2], count)
	case len(os.Args) == 6 && os.Args[1] == "load":
		rate, err := strconv.Atoi(os.Args[5])
		must(err)
		load(os.Args[2], os.Args[3], os.Args[4], rate)
	default:
		fmt.Println("usage: roam follow URLS SUBJECT | roam crowd URLS COUNT | roam load URLS NAME SUBJECT RATE")
		os.Exit(2)
	}
}
