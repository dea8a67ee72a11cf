package direct

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/protox"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/protobuf/proto"
)

const (
	sourceURN        = "beam:runner:source:v1"
	sinkURN          = "beam:runner:sink:v1"
	windowedValueURN = "beam:coder:windowed_value:v1"

	sourceID = "source"
)

// Stage is what runs without a shuffle: everything that an impulse or a group reaches. Where a
// flatten joins what several stages make, each of them has what follows the flatten. It is not
// changed after it was made: several bundles may run at the same time.
type Stage struct {
	ID string // that no other stage of the pipeline has

	// Reads is the shuffle whose groups are the input; empty for an impulse.
	Reads string

	// Writes are the shuffles that the outputs come to.
	Writes []string

	grouped    *coder.Coder // of what came to the shuffle that it reads: a KV
	descriptor *fnpb.ProcessBundleDescriptor
}

// Compile cuts a pipeline into stages, in the order of their names. It fails for what is none
// of Impulse, ParDo, Flatten and GroupByKey, and for side inputs.
func Compile(ctx context.Context, pipeline *beam.Pipeline) ([]*Stage, error) {
	edges, _, err := pipeline.Build()
	if err != nil {
		return nil, err
	}
	environment, err := graphx.CreateEnvironment(ctx, graphx.URNEnvExternal, func(context.Context) string { return "" })
	if err != nil {
		return nil, err
	}
	model, err := graphx.Marshal(edges, &graphx.Options{Environment: environment})
	if err != nil {
		return nil, err
	}
	c := newCompiler(model.GetComponents())
	var stages []*Stage
	for id, transform := range c.components.GetTransforms() {
		urn := transform.GetSpec().GetUrn()
		if urn != graphx.URNImpulse && urn != graphx.URNGBK {
			continue
		}
		s, err := c.stage(id, transform)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", transform.GetUniqueName(), err)
		}
		stages = append(stages, s)
	}
	slices.SortFunc(stages, func(a, b *Stage) int { return strings.Compare(a.ID, b.ID) })
	return stages, nil
}

// Ready divides stages into those that none of the others feeds and those that some do, each in
// the same order. Without any that is ready, they wait for each other.
func Ready(stages []*Stage) (ready, blocked []*Stage) {
	fed := map[string]bool{}
	for _, s := range stages {
		for _, shuffle := range s.Writes {
			fed[shuffle] = true
		}
	}
	for _, s := range stages {
		if fed[s.Reads] {
			blocked = append(blocked, s)
		} else {
			ready = append(ready, s)
		}
	}
	return ready, blocked
}

// compiler looks things up in a pipeline as Beam describes it to engines.
type compiler struct {
	components *pipepb.Components
	consumers  map[string][]string // of each collection
	coders     *graphx.CoderUnmarshaller
}

// newCompiler takes the components over.
func newCompiler(components *pipepb.Components) *compiler {
	c := &compiler{components: components, consumers: map[string][]string{}, coders: graphx.NewCoderUnmarshaller(components.GetCoders())}
	for id, transform := range components.GetTransforms() {
		if len(transform.GetSubtransforms()) > 0 {
			continue
		}
		for _, collection := range transform.GetInputs() {
			c.consumers[collection] = append(c.consumers[collection], id)
		}
	}
	return c
}

// stage makes the stage that begins with the output of a transform.
func (c *compiler) stage(id string, transform *pipepb.PTransform) (*Stage, error) {
	s := &Stage{ID: id, descriptor: &fnpb.ProcessBundleDescriptor{
		Id: id, Transforms: map[string]*pipepb.PTransform{}, Pcollections: c.components.GetPcollections(),
		WindowingStrategies: c.components.GetWindowingStrategies(), Environments: c.components.GetEnvironments(),
		Coders: map[string]*pipepb.Coder{},
	}}
	for id, coder := range c.components.GetCoders() {
		s.descriptor.Coders[id] = coder
	}
	if transform.GetSpec().GetUrn() == graphx.URNGBK {
		var err error
		if s.grouped, err = c.coders.Coder(c.collection(only(transform.GetInputs())).GetCoderId()); err != nil {
			return nil, err
		}
		s.Reads = id
	}
	from := only(transform.GetOutputs())
	s.descriptor.Transforms[sourceID] = &pipepb.PTransform{Spec: c.port(s, sourceURN, from), Outputs: map[string]string{"i0": from}}
	if err := c.follow(s, from); err != nil {
		return nil, err
	}
	return s, nil
}

func (c *compiler) collection(id string) *pipepb.PCollection {
	return c.components.GetPcollections()[id]
}

// follow adds all that a collection reaches, as far as the next shuffles.
func (c *compiler) follow(s *Stage, collection string) error {
	for _, id := range c.consumers[collection] {
		transform := c.components.GetTransforms()[id]
		switch transform.GetSpec().GetUrn() {
		case graphx.URNGBK:
			s.Writes = append(s.Writes, id)
			s.descriptor.Transforms[id] = &pipepb.PTransform{Spec: c.port(s, sinkURN, collection), Inputs: map[string]string{"i0": collection}}
			continue
		case graphx.URNFlatten:
			if seen := s.descriptor.Transforms[id]; seen != nil {
				seen.Inputs[fmt.Sprintf("i%d", len(seen.GetInputs()))] = collection
				continue
			}
			transform = proto.CloneOf(transform)
			transform.Inputs = map[string]string{"i0": collection}
		case graphx.URNParDo:
			if len(transform.GetInputs()) > 1 {
				return fmt.Errorf("%s has side inputs, which this engine does not know", transform.GetUniqueName())
			}
		default:
			return fmt.Errorf("%s is a %s, which this engine does not know", transform.GetUniqueName(), transform.GetSpec().GetUrn())
		}
		s.descriptor.Transforms[id] = transform
		for _, output := range transform.GetOutputs() {
			if err := c.follow(s, output); err != nil {
				return err
			}
		}
	}
	return nil
}

// port describes a place where encoded elements enter or leave a stage.
func (c *compiler) port(s *Stage, urn, collection string) *pipepb.FunctionSpec {
	of := c.collection(collection)
	strategy := c.components.GetWindowingStrategies()[of.GetWindowingStrategyId()]
	coderID := "windowed " + of.GetCoderId()
	s.descriptor.Coders[coderID] = &pipepb.Coder{
		Spec: &pipepb.FunctionSpec{Urn: windowedValueURN}, ComponentCoderIds: []string{of.GetCoderId(), strategy.GetWindowCoderId()},
	}
	return &pipepb.FunctionSpec{Urn: urn, Payload: protox.MustEncode(&fnpb.RemoteGrpcPort{CoderId: coderID})}
}

// only is the one value of a map.
func only(m map[string]string) string {
	for _, value := range m {
		return value
	}
	return ""
}
