package notify

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// limits bound how long is tried.
type limits struct {
	whole  time.Duration   // for all that is done when a run has ended
	try    time.Duration   // for one try at one target
	start  time.Duration   // that a run which has ended waits for its pings of starts
	state  time.Duration   // for reading or writing the state
	grace  time.Duration   // for what was told to end to do so
	pauses []time.Duration // before the tries after the first
}

var usualLimits = limits{
	whole: 30 * time.Second, try: 10 * time.Second, start: 2 * time.Second, state: 5 * time.Second, grace: 300 * time.Millisecond,
	pauses: []time.Duration{500 * time.Millisecond, 2 * time.Second},
}

// Notifier tells of one run. Its methods are not for concurrent use.
type Notifier struct {
	told     config.Told
	command  string
	log      *slog.Logger
	client   *http.Client
	limits   limits
	started  time.Time
	ping     string // names this run to dead man's switches
	starting sync.WaitGroup
	giveUp   context.CancelFunc // of the pings of the start
}

// New makes a Notifier of a run, by a command such as run. It tells nothing yet. The log gets what cannot be delivered.
func New(told config.Told, command string, log *slog.Logger) *Notifier {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		transport = transport.Clone()
		transport.MaxResponseHeaderBytes = maxAnswer
	}
	return &Notifier{
		told: told, command: command, log: log, limits: usualLimits, started: time.Now(), ping: uuid.NewString(), giveUp: func() {},
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Start has dead man's switches know that the run has begun, while it goes on.
func (n *Notifier) Start(ctx context.Context) {
	ctx, n.giveUp = context.WithCancel(ctx)
	for _, target := range n.told.Targets {
		if target.PingEnv == "" {
			continue
		}
		n.starting.Go(func() {
			if err := n.send(ctx, ctx.Done(), target, Message{}, pingStart); err != nil {
				n.log.Debug("a dead man's switch does not know of the start", "to", placeOf(target), "error", err)
			}
		})
	}
}

// Outcome is how a run ended.
type Outcome struct {
	ExitCode int
	Failure  *failure.Error // nil after exit code 0
	Report   *report.Report // nil of a run that did not come to have one

	// ByHand says that a person at a terminal interrupted the run, who need not be told.
	ByHand bool

	// History is the command line that shows the runs, and Kept the places where the report of this one may be.
	History string
	Kept    []string
}

// End tells of the end of the run. Once ctx is done, there is one try at most, and all is over at latest(), which is
// called once then. What hangs so that it cannot be interrupted is left alone.
func (n *Notifier) End(ctx context.Context, o Outcome, latest func() time.Time) {
	if len(n.told.Targets) == 0 {
		return
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.limits.whole)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(time.Until(latest()), cancel) })()
	var telling sync.WaitGroup
	telling.Go(func() { n.end(bound, ctx, o, &telling) })
	told := make(chan struct{})
	go func() { telling.Wait(); close(told) }()
	select {
	case <-told:
		return
	case <-bound.Done():
	}
	select {
	case <-told:
	case <-time.After(n.limits.grace):
		n.log.Warn("whether all were notified is not known: something did not end in time")
	}
}

// end tells everybody, each in telling.
func (n *Notifier) end(bound, ctx context.Context, o Outcome, telling *sync.WaitGroup) {
	n.awaitStarts(ctx)
	message := n.message(o)
	var all []config.NotifyEvent
	if o.ExitCode == 0 {
		before := n.recall(bound, o)
		all, message.FailingSince = eventsOf(o, before.Failing), before.Since
		telling.Go(func() { n.remember(bound, all, before) })
	} else {
		all = eventsOf(o, false)
		telling.Go(func() { n.remember(bound, all, n.recall(bound, o)) })
	}
	if ctx.Err() == nil {
		message.Report = n.reportPlace(bound, o.Kept)
	}
	for _, target := range n.told.Targets {
		telling.Go(func() { n.tell(bound, ctx.Done(), target, message, all) })
	}
}

// awaitStarts waits for the pings of the start, which must not come after that of the end.
func (n *Notifier) awaitStarts(ctx context.Context) {
	hurry := time.AfterFunc(n.limits.start, n.giveUp)
	defer hurry.Stop()
	defer context.AfterFunc(ctx, n.giveUp)()
	n.starting.Wait()
}

// tell tells one target, if it is to know.
func (n *Notifier) tell(ctx context.Context, signalled <-chan struct{}, to config.NotifyConfig, m Message, all []config.NotifyEvent) {
	end := pingSuccess
	if m.ExitCode != 0 {
		end = pingFail
	}
	event, isTold := choose(to.On, all)
	if to.PingEnv != "" {
		event, isTold = first(all), true
	}
	if !isTold {
		return
	}
	m.write(event)
	if err := n.send(ctx, signalled, to, m, end); err != nil {
		n.log.Warn("a notification was not delivered", "to", placeOf(to), "event", event, "error", err)
		return
	}
	n.log.Info("notified", "to", placeOf(to), "event", event)
}

// Tried is what came of telling one target something.
type Tried struct {
	Target string // in words, without its address
	Err    error  // nil if it was told
}

// Try sends a message that is only a test to every target but dead man's switches, which would take it for a run.
func (n *Notifier) Try(ctx context.Context) []Tried {
	var tried []Tried
	message := n.message(Outcome{})
	message.Event, message.Title, message.Text = "test", message.Name+": a test", "This is a test: no run has ended.\nHost: "+message.Host
	for _, target := range n.told.Targets {
		if target.PingEnv == "" {
			tried = append(tried, Tried{placeOf(target), n.send(ctx, ctx.Done(), target, message, pingSuccess)})
		}
	}
	return tried
}

// send sends a message to a target, or has the target know of a part of the run.
func (n *Notifier) send(ctx context.Context, signalled <-chan struct{}, target config.NotifyConfig, message Message, part pingPart) error {
	if len(target.Command) > 0 {
		return n.run(ctx, target, message)
	}
	where, err := addressOf(target)
	if err != nil {
		return err
	}
	request := request{url: where.String(), contentType: "application/json"}
	if target.PingEnv != "" {
		request = pingRequest(where, part, n.ping, message)
	} else if request.body, err = payload(formatOf(target, where.Hostname()), message); err != nil {
		return err
	}
	return n.deliver(ctx, signalled, request)
}

// placeOf names a target in words, without its address.
func placeOf(target config.NotifyConfig) string {
	if len(target.Command) > 0 {
		return target.Command[0]
	}
	name := target.URLEnv + target.PingEnv
	if where, err := addressOf(target); err == nil {
		return name + " (" + where.Hostname() + ")"
	}
	return name
}

// hostName is the name of this machine, as far as it is known.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "a machine without a name"
	}
	return name
}
