package helm_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// objects are the manifests of a release by kind and name.
type objects struct {
	accounts        map[string]*corev1.ServiceAccount
	configMaps      map[string]*corev1.ConfigMap
	services        map[string]*corev1.Service
	deployments     map[string]*appsv1.Deployment
	jobs            map[string]*batchv1.Job
	ingresses       map[string]*networkingv1.Ingress
	networkPolicies map[string]*networkingv1.NetworkPolicy
	budgets         map[string]*policyv1.PodDisruptionBudget
	autoscalers     map[string]*autoscalingv2.HorizontalPodAutoscaler
	scaled          map[string]*scaledObject
	authentications map[string]*triggerAuthentication
	serviceMonitors map[string]*serviceMonitor
	rules           map[string]*prometheusRule
}

// scaledObject has the fields of KEDA's kind that the chart uses.
type scaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ScaleTargetRef  named `json:"scaleTargetRef"`
		MinReplicaCount int32 `json:"minReplicaCount"`
		MaxReplicaCount int32 `json:"maxReplicaCount"`
		Triggers        []struct {
			Type              string            `json:"type"`
			Metadata          map[string]string `json:"metadata"`
			AuthenticationRef named             `json:"authenticationRef"`
		} `json:"triggers"`
	} `json:"spec"`
}

// triggerAuthentication has the fields of KEDA's kind that the chart uses.
type triggerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		SecretTargetRef    []parameter `json:"secretTargetRef"`
		ConfigMapTargetRef []parameter `json:"configMapTargetRef"`
	} `json:"spec"`
}

type named struct {
	Name string `json:"name"`
}

type parameter struct {
	Parameter string `json:"parameter"`
	Name      string `json:"name"`
	Key       string `json:"key"`
}

// serviceMonitor has the fields of the Prometheus operator's kind that the chart uses.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port        string `json:"port"`
			Path        string `json:"path"`
			Interval    string `json:"interval"`
			Relabelings []struct {
				SourceLabels []string `json:"sourceLabels"`
				TargetLabel  string   `json:"targetLabel"`
			} `json:"relabelings"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// prometheusRule has the fields of the Prometheus operator's kind that rules have.
type prometheusRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Groups []struct {
			Name     string `json:"name"`
			Interval string `json:"interval"`
			Rules    []struct {
				Alert       string            `json:"alert"`
				Record      string            `json:"record"`
				Expr        string            `json:"expr"`
				For         string            `json:"for"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

// decode reads manifests strictly: an unknown field, a duplicate key or a wrong type fails the test, and so do two objects of
// one kind and name.
func decode(t *testing.T, manifests map[string]string) objects {
	t.Helper()
	all := objects{}
	for _, file := range slices.Sorted(maps.Keys(manifests)) {
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		for document := range strings.SplitSeq("\n"+manifests[file], "\n---") {
			var head metav1.TypeMeta
			require.NoError(t, yaml.Unmarshal([]byte(document), &head), "%s:\n%s", file, document)
			switch head.APIVersion + " " + head.Kind {
			case " ":
				require.Empty(t, withoutComments(document), file)
			case "v1 ServiceAccount":
				add(t, &all.accounts, document)
			case "v1 ConfigMap":
				add(t, &all.configMaps, document)
			case "v1 Service":
				add(t, &all.services, document)
			case "apps/v1 Deployment":
				add(t, &all.deployments, document)
			case "batch/v1 Job":
				add(t, &all.jobs, document)
			case "networking.k8s.io/v1 Ingress":
				add(t, &all.ingresses, document)
			case "networking.k8s.io/v1 NetworkPolicy":
				add(t, &all.networkPolicies, document)
			case "policy/v1 PodDisruptionBudget":
				add(t, &all.budgets, document)
			case "autoscaling/v2 HorizontalPodAutoscaler":
				add(t, &all.autoscalers, document)
			case "keda.sh/v1alpha1 ScaledObject":
				add(t, &all.scaled, document)
			case "keda.sh/v1alpha1 TriggerAuthentication":
				add(t, &all.authentications, document)
			case "monitoring.coreos.com/v1 ServiceMonitor":
				add(t, &all.serviceMonitors, document)
			case "monitoring.coreos.com/v1 PrometheusRule":
				add(t, &all.rules, document)
			default:
				require.Fail(t, "a kind that no type here decodes", "%s: %s %s", file, head.APIVersion, head.Kind)
			}
		}
	}
	return all
}

func withoutComments(document string) string {
	var rest strings.Builder
	for line := range strings.Lines(document) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

// add decodes an object into the map of its kind.
func add[T any, P interface {
	*T
	metav1.Object
}](t *testing.T, all *map[string]P, document string) {
	t.Helper()
	object := P(new(T))
	require.NoError(t, yaml.UnmarshalStrict([]byte(document), object), document)
	require.NotEmpty(t, object.GetName(), document)
	require.NotContains(t, *all, object.GetName(), "two objects of one name")
	if *all == nil {
		*all = map[string]P{}
	}
	(*all)[object.GetName()] = object
}

// pods returns the pods that the release starts, by the names of what starts them.
func (all objects) pods() map[string]corev1.PodTemplateSpec {
	pods := map[string]corev1.PodTemplateSpec{}
	for name, d := range all.deployments {
		pods[name] = d.Spec.Template
	}
	for name, j := range all.jobs {
		pods[name] = j.Spec.Template
	}
	return pods
}

// selected returns the names of the deployments whose pods a selector finds.
func (all objects) selected(t *testing.T, selector *metav1.LabelSelector) []string {
	t.Helper()
	found, err := metav1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	var names []string
	for name, d := range all.deployments {
		if found.Matches(labels.Set(d.Spec.Template.Labels)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// hasPort reports whether a container of the deployment has the port.
func (all objects) hasPort(deployment string, port intstr.IntOrString) bool {
	return slices.ContainsFunc(all.deployments[deployment].Spec.Template.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool {
		return p.Name == port.StrVal || p.ContainerPort == port.IntVal
	})
}
