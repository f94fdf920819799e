// Package harness is what the Go clients of the suite share: named tests with a time limit, reported as JSON lines on
// standard output. A failed check panics inside the test; the runner turns that into its result.
package harness

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// Bootstrap is the address of the broker under test.
var Bootstrap = environment("COMPAT_BOOTSTRAP", "127.0.0.1:9092")

// Limit of one test, unless it names its own.
const Limit = 30 * time.Second

// T is handed to every test.
type T struct {
	context.Context
	mutex    sync.Mutex
	cleanups []func()
}

type failure struct{ text string }

type test struct {
	name  string
	needs string
	limit time.Duration
	run   func(*T)
}

// Option of a test.
type Option func(*test)

// Needs names a feature that the broker under test may not serve.
func Needs(feature string) Option { return func(t *test) { t.needs = feature } }

// Within sets the time limit.
func Within(limit time.Duration) Option { return func(t *test) { t.limit = limit } }

var tests []test

// Test registers a test.
func Test(name string, run func(*T), options ...Option) {
	one := test{name: name, limit: Limit, run: run}
	for _, option := range options {
		option(&one)
	}
	tests = append(tests, one)
}

// Cleanup runs after the test, last first.
func (t *T) Cleanup(run func()) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.cleanups = append(t.cleanups, run)
}

// Fail ends the test.
func (t *T) Fail(format string, values ...any) { panic(failure{fmt.Sprintf(format, values...)}) }

// NoError ends the test if err is not nil.
func (t *T) NoError(err error, what ...any) {
	if err != nil {
		t.Fail("%v%v", prefix(what), err)
	}
}

// Error ends the test unless the text of err has one of the fragments.
func (t *T) Error(err error, fragments ...string) {
	if err == nil {
		t.Fail("no error; expected one of %v", fragments)
	}
	for _, fragment := range fragments {
		if strings.Contains(err.Error(), fragment) {
			return
		}
	}
	t.Fail("error %q; expected one of %v", err, fragments)
}

// Equal ends the test unless both are deeply equal.
func (t *T) Equal(got, want any, what ...any) {
	if !reflect.DeepEqual(got, want) {
		t.Fail("%vgot %v (%T), want %v (%T)", prefix(what), got, got, want, want)
	}
}

// True ends the test unless ok.
func (t *T) True(ok bool, what ...any) {
	if !ok {
		t.Fail("%vnot true", prefix(what))
	}
}

// Eventually asks probe every 25 ms until it says true.
func (t *T) Eventually(what string, probe func() bool) {
	for !probe() {
		select {
		case <-t.Done():
			t.Fail("timed out waiting for %s", what)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

func prefix(what []any) string {
	if len(what) == 0 {
		return ""
	}
	return fmt.Sprint(what...) + ": "
}

// Unique is a name that nobody else uses on this broker.
func Unique(prefix string) string {
	bytes := make([]byte, 5)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return prefix + "-" + hex.EncodeToString(bytes)
}

// Run runs every registered test, parallel of them at a time, and reports each.
func Run(parallel int) {
	notServed := map[string]bool{}
	for _, feature := range strings.Split(os.Getenv("COMPAT_NOT_SERVED"), ",") {
		notServed[feature] = feature != ""
	}
	only := regexp.MustCompile(os.Getenv("COMPAT_ONLY"))
	queue := make(chan test)
	var workers sync.WaitGroup
	for range parallel {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for one := range queue {
				if one.needs != "" && notServed[one.needs] {
					report(one.name, "not served", one.needs, 0)
					continue
				}
				start := time.Now()
				status, detail := runOne(one)
				report(one.name, status, detail, time.Since(start))
			}
		}()
	}
	for _, one := range tests {
		if only.MatchString(one.name) {
			queue <- one
		}
	}
	close(queue)
	workers.Wait()
}

func runOne(one test) (status, detail string) {
	ctx, cancel := context.WithTimeout(context.Background(), one.limit)
	defer cancel()
	t := &T{Context: ctx}
	result := make(chan string, 1)
	go func() {
		defer func() {
			if caught := recover(); caught == nil {
				result <- ""
			} else if failed, ok := caught.(failure); ok {
				result <- failed.text
			} else {
				result <- fmt.Sprintf("%v\n%s", caught, debug.Stack())
			}
		}()
		defer t.cleanup()
		one.run(t)
	}()
	select {
	case text := <-result:
		if text == "" {
			return "pass", ""
		}
		return "fail", text
	case <-time.After(one.limit + 5*time.Second):
		return "fail", "no end after " + one.limit.String()
	}
}

func (t *T) cleanup() {
	t.mutex.Lock()
	cleanups := t.cleanups
	t.mutex.Unlock()
	for i := len(cleanups) - 1; i >= 0; i-- {
		cleanups[i]()
	}
}

var reporting sync.Mutex

func report(name, status, detail string, took time.Duration) {
	if len(detail) > 1500 {
		detail = detail[:1500]
	}
	line, _ := json.Marshal(map[string]any{"status": status, "detail": detail, "ms": took.Milliseconds()})
	reporting.Lock()
	defer reporting.Unlock()
	name = strings.ReplaceAll(name, `"`, `'`)
	fmt.Printf("{\"test\":\"%s\",%s\n", name, line[1:])
}

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
