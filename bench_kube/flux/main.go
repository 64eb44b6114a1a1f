// Command flux applies manifests with Flux's own engine (github.com/fluxcd/pkg/ssa), as kustomize-controller
// does: ApplyAllStaged, four objects at a time, no limit on the client's rate. It runs once for each line of its input, which
// names a folder, in one process, and answers each with a line of JSON: what it did and what it cost. Flux's sources, build and health checks are left
// out; its engine alone is measured.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	ssautils "github.com/fluxcd/pkg/ssa/utils"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// concurrency is kustomize-controller's default of --concurrent-ssa.
const concurrency = 4

type figures struct {
	Seconds    float64        `json:"seconds"`
	CPUSeconds float64        `json:"cpu_seconds"`
	PeakMiB    float64        `json:"peak_mib"`
	Actions    map[string]int `json:"actions"`
}

func main() {
	ctrllog.SetLogger(logr.Discard())
	if len(os.Args) != 2 {
		log.Fatal("usage: flux KUBECONFIG")
	}
	if err := serve(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func serve(kubeconfig string) error {
	manager, err := newManager(kubeconfig)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		found, err := applied(manager, lines.Text())
		if err != nil {
			return err
		}
		if err := answers.Encode(found); err != nil {
			return err
		}
	}
	return lines.Err()
}

func newManager(kubeconfig string) (*ssa.ResourceManager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return nil, err
	}
	reader, err := client.New(config, client.Options{HTTPClient: http, Mapper: mapper})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(reader, mapper, polling.Options{})
	manager := ssa.NewResourceManager(reader, poller, ssa.Owner{Field: "bench-flux", Group: "bench-flux.egress-gitops.io"})
	manager.SetConcurrency(concurrency)
	return manager, nil
}

func applied(manager *ssa.ResourceManager, manifests string) (*figures, error) {
	started, before := time.Now(), cpuSeconds()
	objects, err := read(manifests)
	if err != nil {
		return nil, err
	}
	changes, err := manager.ApplyAllStaged(context.Background(), objects, ssa.DefaultApplyOptions())
	if err != nil {
		return nil, err
	}
	actions := map[string]int{}
	for _, change := range changes.Entries {
		actions[string(change.Action)]++
	}
	return &figures{time.Since(started).Seconds(), cpuSeconds() - before, peakMiB(), actions}, nil
}

func read(folder string) ([]*unstructured.Unstructured, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no manifests", folder)
	}
	sort.Strings(names)
	var objects []*unstructured.Unstructured
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		found, err := ssautils.ReadObjects(file)
		if closing := file.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		log.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// peakMiB is the largest resident set so far (VmHWM); Getrusage would carry over that of the process that started this one.
func peakMiB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kib); err == nil {
			return kib / 1024
		}
	}
	return 0
}
