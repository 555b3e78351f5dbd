{{- define "orders.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels by which all pods of the release are selected. */}}
{{- define "orders.release" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The labels of an object. */}}
{{- define "orders.labels" -}}
{{ include "orders.release" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The processes, and their keys in the values. */}}
{{- define "orders.processes" -}}
{alertman: alertman, api: api, {{ if .Values.desk.enabled }}desk: desk, {{ end }}fraud-police: fraudPolice, worker: worker}
{{- end -}}

{{/* The processes that people and programs connect to, with the variable for the port on which they listen. */}}
{{- define "orders.served" -}}
{api: {variable: HTTP_ADDRESS, port: 9001}{{ if .Values.desk.enabled }}, desk: {variable: DESK_ADDRESS, port: 9002}{{ end }}}
{{- end -}}

{{- define "orders.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "orders.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "orders.image" -}}
{{- $repository := required "image.repository is needed: the image that make build-tag-push pushed" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- $repository }}{{ with .Values.image.tag }}:{{ . }}{{ end }}@{{ .Values.image.digest -}}
{{- else if eq .Values.image.tag "latest" -}}
{{- fail "image.tag: latest may be another image tomorrow; give the tag of a build, or image.digest" -}}
{{- else -}}
{{- $repository }}:{{ required "image.tag or image.digest is needed: the image that make build-tag-push pushed" .Values.image.tag -}}
{{- end -}}
{{- end -}}

{{/* orders.podSecurity USER */}}
{{- define "orders.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "orders.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* What a pod has whatever runs in it. */}}
{{- define "orders.pod" -}}
automountServiceAccountToken: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Volumes and mounts of what is trusted, and of the client's certificate for Temporal. */}}
{{- define "orders.trustVolumes" -}}
{{- with .Values.trustedCAs.configMap }}
- name: trusted-cas
  configMap: {name: {{ . }}}
{{- end }}
{{- with .Values.temporal.tls.clientSecret }}
- name: temporal-client
  secret: {secretName: {{ . }}}
{{- end }}
{{- end -}}

{{- define "orders.trustMounts" -}}
{{- if .Values.trustedCAs.configMap }}
- {name: trusted-cas, mountPath: /etc/orders/ca, readOnly: true}
{{- end }}
{{- if .Values.temporal.tls.clientSecret }}
- {name: temporal-client, mountPath: /etc/orders/temporal, readOnly: true}
{{- end }}
{{- end -}}
