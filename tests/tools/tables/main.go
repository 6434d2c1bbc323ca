// Writes src/compare/tables/builtin.json: what Kubernetes' own Go types, OpenAPI definitions and defaulting functions say of
// the fields of built-in kinds. Run by tests/tools/tables/generate.sh with the pinned Kubernetes modules.
//
// Nothing here is guessed: pointer and omitempty come from the types by reflection, list and map types and formats from the
// OpenAPI definitions that the API server serves, defaults from running the defaulting functions on probe objects.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	registration "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/controlplane"
	generated "k8s.io/kubernetes/pkg/generated/openapi"
)

// Field is one JSON field of a type.
type Field struct {
	// Type is the component, where the field holds one (itself, or as items or values).
	Type string `json:"t,omitempty"`
	// Shape: "" one value, "l" a list, "m" a map.
	Shape string `json:"s,omitempty"`
	// Pointer and OmitEmpty as the Go type has them: together they say whether an explicit zero is kept.
	Pointer   bool `json:"p,omitempty"`
	OmitEmpty bool `json:"o,omitempty"`
	// Scalar: quantity, int-or-string, date-time, byte, duration; "" for plain ones.
	Format string `json:"f,omitempty"`
	// Kind of a plain JSON scalar: string, integer, number, boolean.
	Kind string `json:"k,omitempty"`
	// ListType and Keys as x-kubernetes-list-type and -map-keys; "" is atomic.
	ListType string   `json:"l,omitempty"`
	Keys     []string `json:"lk,omitempty"`
	// AtomicMap is x-kubernetes-map-type: atomic on this field.
	AtomicMap bool `json:"am,omitempty"`
	// Defaults that the server was seen to fill in, whatever else the object says.
	Defaults []json.RawMessage `json:"d,omitempty"`
}

// Type is a component.
type Type struct {
	AtomicMap bool              `json:"am,omitempty"`
	Fields    map[string]*Field `json:"fields"`
}

type table struct {
	Version string            `json:"version"`
	Kinds   map[string]string `json:"kinds"`
	Scale   map[string]string `json:"scale"`
	Types   map[string]*Type  `json:"types"`
}

var (
	definitions map[string]common.OpenAPIDefinition
	out         = table{Kinds: map[string]string{}, Scale: map[string]string{}, Types: map[string]*Type{}}
	goNames     = map[reflect.Type]string{}
)

// componentName is the name under which the server publishes a Go type.
func componentName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(interface{ OpenAPIModelName() string }); ok {
		return named.OpenAPIModelName()
	}
	path := t.PkgPath()
	parts := strings.Split(path, "/")
	host := strings.Split(parts[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(host, parts[1:]...), ".") + "." + t.Name()
}

func definitionOf(t reflect.Type) (spec.Schema, bool) {
	for _, name := range []string{componentName(t), t.PkgPath() + "." + t.Name()} {
		if definition, ok := definitions[name]; ok {
			return definition.Schema, true
		}
	}
	return spec.Schema{}, false
}

func extension(s spec.Schema, name string) string {
	text, _ := s.Extensions.GetString(name)
	return text
}

func format(t reflect.Type) string {
	switch t {
	case reflect.TypeOf(resource.Quantity{}):
		return "quantity"
	case reflect.TypeOf(intstr.IntOrString{}):
		return "int-or-string"
	case reflect.TypeOf(metav1.Time{}), reflect.TypeOf(metav1.MicroTime{}):
		return "date-time"
	case reflect.TypeOf(metav1.Duration{}):
		return "duration"
	case reflect.TypeOf([]byte{}):
		return "byte"
	}
	return ""
}

// describe fills type, shape and format of a field.
func describe(f *Field, t reflect.Type) {
	for t.Kind() == reflect.Ptr {
		t = t.Elem()
	}
	if f.Format = format(t); f.Format != "" {
		return
	}
	if t == reflect.TypeOf(metav1.FieldsV1{}) || t == reflect.TypeOf(runtime.RawExtension{}) {
		f.Format = "any"
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if s, ok := definitionOf(t); ok && len(s.Properties) == 0 {
			f.Format = "any"
			return
		}
		f.Type = componentName(t)
		visit(t)
	case reflect.Slice:
		f.Shape += "l"
		describe(f, t.Elem())
	case reflect.Map:
		f.Shape += "m"
		describe(f, t.Elem())
	case reflect.String:
		f.Kind = "string"
	case reflect.Bool:
		f.Kind = "boolean"
	case reflect.Float32, reflect.Float64:
		f.Kind = "number"
	default:
		f.Kind = "integer"
	}
}

func visit(t reflect.Type) {
	name := componentName(t)
	if _, done := out.Types[name]; done {
		return
	}
	goNames[t] = name
	s, _ := definitionOf(t)
	result := &Type{AtomicMap: extension(s, "x-kubernetes-map-type") == "atomic", Fields: map[string]*Field{}}
	out.Types[name] = result
	eachField(t, func(field reflect.StructField, jsonName string, omit bool) {
		isStatus := jsonName == "status" && field.Type.Kind() == reflect.Struct
		if isStatus || jsonName == "managedFields" {
			return
		}
		described := &Field{Pointer: field.Type.Kind() == reflect.Ptr, OmitEmpty: omit}
		describe(described, field.Type)
		property := s.Properties[jsonName]
		if strings.HasPrefix(described.Shape, "l") {
			switch kind := extension(property, "x-kubernetes-list-type"); kind {
			case "map":
				described.ListType = kind
				described.Keys, _ = property.Extensions.GetStringSlice("x-kubernetes-list-map-keys")
			case "set":
				described.ListType = kind
			}
		}
		described.AtomicMap = extension(property, "x-kubernetes-map-type") == "atomic"
		result.Fields[jsonName] = described
	})
}

// eachField goes through the JSON fields of a struct, inlined ones included.
func eachField(t reflect.Type, do func(reflect.StructField, string, bool)) {
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if field.Anonymous && (tag[0] == "") {
			inner := field.Type
			for inner.Kind() == reflect.Ptr {
				inner = inner.Elem()
			}
			eachField(inner, do)
			continue
		}
		if tag[0] == "" || tag[0] == "-" {
			continue
		}
		omit := false
		for _, option := range tag[1:] {
			omit = omit || option == "omitempty" || option == "omitzero"
		}
		do(field, tag[0], omit)
	}
}

// omitted is a pointer field that a probe leaves out.
type omitted struct {
	owner reflect.Type
	index int
}

// pointers collects the fields of a type and below that point to structs.
func pointers(t reflect.Type, path []reflect.Type, found map[omitted]bool) {
	switch t.Kind() {
	case reflect.Ptr, reflect.Slice:
		pointers(t.Elem(), path, found)
	case reflect.Struct:
		if format(t) != "" || repeats(path, t) {
			return
		}
		for i := 0; i < t.NumField(); i++ {
			field := t.Field(i).Type
			if t.Field(i).IsExported() && field.Kind() == reflect.Ptr && field.Elem().Kind() == reflect.Struct && format(field.Elem()) == "" {
				found[omitted{t, i}] = true
			}
			if t.Field(i).IsExported() {
				pointers(field, append(path, t), found)
			}
		}
	}
}

// allocate gives every list one item and, where deep, every pointer to a struct its struct, but for the one left out.
func allocate(v reflect.Value, deep bool, leave omitted, path []reflect.Type) {
	switch v.Kind() {
	case reflect.Ptr:
		elem := v.Type().Elem()
		if elem.Kind() != reflect.Struct || format(elem) != "" || !deep || repeats(path, elem) {
			return
		}
		v.Set(reflect.New(elem))
		allocate(v.Elem(), deep, leave, path)
	case reflect.Struct:
		if format(v.Type()) != "" || repeats(path, v.Type()) {
			return
		}
		path = append(path, v.Type())
		for i := 0; i < v.NumField(); i++ {
			if v.Type().Field(i).IsExported() && leave != (omitted{v.Type(), i}) {
				allocate(v.Field(i), deep, leave, path)
			}
		}
	case reflect.Slice:
		elem := v.Type().Elem()
		for elem.Kind() == reflect.Ptr {
			elem = elem.Elem()
		}
		if elem.Kind() == reflect.Struct && format(elem) == "" && !repeats(path, elem) {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			allocate(v.Index(0), deep, leave, path)
		}
	}
}

func repeats(path []reflect.Type, t reflect.Type) bool {
	for _, seen := range path {
		if seen == t {
			return true
		}
	}
	return false
}

// record writes down what defaulting made of a probe.
func record(before, after reflect.Value) {
	switch before.Kind() {
	case reflect.Ptr, reflect.Interface:
		if !before.IsNil() && !after.IsNil() {
			record(before.Elem(), after.Elem())
		}
	case reflect.Slice:
		for i := 0; i < before.Len() && i < after.Len(); i++ {
			record(before.Index(i), after.Index(i))
		}
	case reflect.Struct:
		name, known := goNames[before.Type()]
		if !known {
			return
		}
		index := map[string]reflect.StructField{}
		eachField(before.Type(), func(field reflect.StructField, jsonName string, _ bool) { index[jsonName] = field })
		for jsonName, field := range index {
			described, kept := out.Types[name].Fields[jsonName]
			if !kept {
				continue
			}
			recordField(described, before.FieldByName(field.Name), after.FieldByName(field.Name))
		}
	}
}

func recordField(field *Field, before, after reflect.Value) {
	// The clock of the probe is no default.
	if field.Format == "date-time" {
		return
	}
	structure := after.Type()
	if structure.Kind() == reflect.Ptr {
		structure = structure.Elem()
	}
	if structure.Kind() == reflect.Struct && field.Format == "" {
		// A struct that defaulting made is written down as present; what is in it, as defaults of its own fields.
		if before.Kind() == reflect.Ptr && before.IsNil() && !after.IsNil() {
			add(field, json.RawMessage("{}"))
			record(reflect.New(structure).Elem(), after.Elem())
			return
		}
		record(before, after)
		return
	}
	empty := before.IsZero() || before.Kind() == reflect.Slice && before.Len() == 0
	if empty && !after.IsZero() {
		text, err := json.Marshal(after.Interface())
		if err != nil {
			panic(err)
		}
		add(field, text)
		return
	}
	record(before, after)
}

func add(field *Field, value json.RawMessage) {
	for _, known := range field.Defaults {
		if string(known) == string(value) {
			return
		}
	}
	field.Defaults = append(field.Defaults, value)
	sort.Slice(field.Defaults, func(i, j int) bool { return string(field.Defaults[i]) < string(field.Defaults[j]) })
}

// variants are the values of discriminating fields under which other defaults hold.
var variants = map[string][]string{
	"Service":     {`{"spec":{"type":"NodePort"}}`, `{"spec":{"type":"LoadBalancer"}}`, `{"spec":{"type":"ExternalName"}}`},
	"Deployment":  {`{"spec":{"strategy":{"type":"Recreate"}}}`},
	"DaemonSet":   {`{"spec":{"updateStrategy":{"type":"OnDelete"}}}`},
	"StatefulSet": {`{"spec":{"updateStrategy":{"type":"OnDelete"}}}`},
}

func probe(scheme *runtime.Scheme, kind schema.GroupVersionKind) {
	texts := append([]string{"{}"}, variants[kind.Kind]...)
	leaves := map[omitted]bool{}
	pointers(scheme.AllKnownTypes()[kind], nil, leaves)
	for _, text := range texts {
		probeOnce(scheme, kind, text, false, omitted{})
		probeOnce(scheme, kind, text, true, omitted{})
	}
	for leave := range leaves {
		probeOnce(scheme, kind, "{}", true, leave)
	}
}

func probeOnce(scheme *runtime.Scheme, kind schema.GroupVersionKind, text string, deep bool, leave omitted) {
	before, err := scheme.New(kind)
	if err != nil {
		panic(err)
	}
	allocate(reflect.ValueOf(before).Elem(), deep, leave, nil)
	if err := json.Unmarshal([]byte(text), before); err != nil {
		panic(err)
	}
	after := before.DeepCopyObject()
	scheme.Default(after)
	record(reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem())
}

// hasStable tells whether a beta version is an older form of a kind that is v1 now; such versions are served no more.
func hasStable(scheme *runtime.Scheme, kind schema.GroupVersionKind) bool {
	stable := scheme.Recognizes(schema.GroupVersionKind{Group: kind.Group, Version: "v1", Kind: kind.Kind})
	return stable || kind.Group == "extensions" || kind.Group == "apps"
}

func main() {
	out.Version = os.Args[1]
	definitions = generated.GetOpenAPIDefinitions(func(path string) spec.Ref { return spec.MustCreateRef(path) })
	scheme := legacyscheme.Scheme
	extensions.Install(scheme)
	registration.Install(scheme)
	kinds := []schema.GroupVersionKind{}
	for kind, t := range scheme.AllKnownTypes() {
		_, isObject := reflect.New(t).Interface().(metav1.Object)
		listed := strings.HasSuffix(kind.Kind, "List")
		if kind.Version == runtime.APIVersionInternal || !isObject || listed || strings.Contains(kind.Version, "alpha") {
			continue
		}
		if _, ok := definitionOf(t); !ok || strings.Contains(kind.Version, "beta") && hasStable(scheme, kind) {
			continue
		}
		kinds = append(kinds, kind)
	}
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].String() < kinds[j].String() })
	for _, kind := range kinds {
		t := scheme.AllKnownTypes()[kind]
		visit(t)
		out.Kinds[fmt.Sprintf("%s/%s/%s", kind.Group, kind.Version, kind.Kind)] = componentName(t)
	}
	for _, kind := range kinds {
		probe(scheme, kind)
	}
	for _, kind := range []string{"apps/Deployment", "apps/StatefulSet", "apps/ReplicaSet", "/ReplicationController"} {
		out.Scale[kind] = "spec.replicas"
	}
	write()
}

// write puts each type on its own line, so that a change can be reviewed.
func write() {
	lines := []string{}
	line := func(name string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		lines = append(lines, fmt.Sprintf("%q: %s", name, text))
	}
	names := []string{}
	for name := range out.Types {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		line(name, out.Types[name])
	}
	kinds, _ := json.Marshal(out.Kinds)
	scale, _ := json.Marshal(out.Scale)
	fmt.Printf("{\n\"version\": %q,\n\"kinds\": %s,\n\"scale\": %s,\n\"types\": {\n%s\n}}\n", out.Version, kinds, scale, strings.Join(lines, ",\n"))
}
