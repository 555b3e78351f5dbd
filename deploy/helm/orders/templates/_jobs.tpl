{{/* orders.hook WEIGHT: the annotations of what Helm makes before an install or upgrade, in the order of the weights. The
last run stays, for its log, until the next one. */}}
{{- define "orders.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ quote . }}
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}

{{/* orders.jobHead (dict "root" $ "name" NAME "weight" WEIGHT): a Job until its pod's securityContext. Its pods use the
namespace's own account, since that of the release is made later. */}}
{{- define "orders.jobHead" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "orders.fullname" .root }}-{{ .name }}
  labels:
    {{- include "orders.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .name }}
  annotations: {{ include "orders.hook" .weight | nindent 4 }}
spec:
  backoffLimit: 3
  template:
    metadata:
      labels:
        {{- include "orders.release" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .name }}
    spec:
      {{- include "orders.pod" .root | nindent 6 }}
      restartPolicy: Never
      volumes:
        {{- include "orders.trustVolumes" .root | nindent 8 }}
        {{- if ne .name "ledger-migrate" }}
        - name: setup
          configMap: {name: {{ include "orders.fullname" .root }}-setup}
        {{- end }}
        - name: tmp
          emptyDir: {sizeLimit: 16Mi}
{{- end -}}

{{- define "orders.jobTail" -}}
resources:
  requests: {cpu: 50m, memory: 64Mi}
  limits: {cpu: "1", memory: 256Mi}
securityContext: {{ include "orders.containerSecurity" . | nindent 2 }}
volumeMounts:
  {{- include "orders.trustMounts" . | nindent 2 }}
  - {name: tmp, mountPath: /tmp}
{{- end -}}
