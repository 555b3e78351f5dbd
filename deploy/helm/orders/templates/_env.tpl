{{/* orders.env (dict "root" $ "process" NAME "values" VALUES): the variables of a process, as a list for its container. */}}
{{- define "orders.env" -}}
{{- $root := .root -}}
{{- $all := $root.Files.Get "files/variables.yaml" | fromYaml -}}
{{- $reads := concat $all.all (get $all .process) -}}
{{- range $from := list $root.Values.settings $root.Values.secretRefs .values.settings .values.secretRefs }}
  {{- range $variable := keys $from }}
    {{- if hasPrefix "OTEL_" $variable }}{{ $reads = append $reads $variable }}{{ end }}
  {{- end }}
{{- end }}
{{- range $variable := concat (keys .values.settings) (keys .values.secretRefs) }}
  {{- if not (has $variable $reads) }}
    {{- fail (printf "%s does not read %s: see files/variables.yaml" $.process $variable) }}
  {{- end }}
{{- end }}
{{- range $variable := $reads | uniq | sortAlpha }}
  {{- if hasKey $.values.secretRefs $variable }}
    {{- include "orders.secretVariable" (dict "variable" $variable "ref" (get $.values.secretRefs $variable)) }}
  {{- else if hasKey $.values.settings $variable }}
    {{- include "orders.variable" (dict "variable" $variable "value" (get $.values.settings $variable)) }}
  {{- else if hasKey $root.Values.secretRefs $variable }}
    {{- include "orders.secretVariable" (dict "variable" $variable "ref" (get $root.Values.secretRefs $variable)) }}
  {{- else if hasKey $root.Values.settings $variable }}
    {{- include "orders.variable" (dict "variable" $variable "value" (get $root.Values.settings $variable)) }}
  {{- else if has $variable (list "API_URL" "PAYMENT_GATEWAYS" "WEB_UI_URL") }}
    {{- fail (printf "settings.%s is needed: the file env says what it is" $variable) }}
  {{- else if and (eq $.process "desk") (has $variable (list "DESK_URL" "OIDC_ISSUER" "OIDC_ROLES")) }}
    {{- fail (printf "settings.%s is needed for the desk: docs/desk.md says what it is" $variable) }}
  {{- else if has $variable (list "CARD_FINGERPRINT_KEY" "RABBITMQ_CONSUMER_URL" "RABBITMQ_PUBLISHER_URL") }}
    {{- fail (printf "secretRefs.%s is needed: the file env says what it is, and values.yaml how to name its Secret" $variable) }}
  {{- else if eq $variable "LEDGER_URL" }}
    {{- fail (printf "secretRefs.LEDGER_URL is needed at %s: each process has its own PostgreSQL user" $.process) }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* orders.variable (dict "variable" NAME "value" VALUE) */}}
{{- define "orders.variable" }}
- name: {{ .variable }}
  value: {{ kindIs "float64" .value | ternary (printf "%.0f" (float64 .value)) (toString .value) | quote }}
{{- end -}}

{{/* orders.secretVariable (dict "variable" NAME "ref" REF): the value of a key, or a URL with a user and a password. */}}
{{- define "orders.secretVariable" }}
{{- $url := .ref.url | default "" }}
{{- range $part := list "username" "password" }}
  {{- $here := printf "$(%s)" $part }}
  {{- if contains $here $url }}
    {{- $variable := printf "%s_%s" $.variable (upper $part) }}
    {{- $url = replace $here (printf "$(%s)" $variable) $url }}
- name: {{ $variable }}
  valueFrom: {secretKeyRef: {name: {{ $.ref.name }}, key: {{ get $.ref (printf "%sKey" $part) | default $part }}}}
  {{- end }}
{{- end }}
- name: {{ .variable }}
{{- if $url }}
  value: {{ quote $url }}
{{- else }}
  valueFrom: {secretKeyRef: {name: {{ .ref.name }}, key: {{ .ref.key }}}}
{{- end }}
{{- end -}}

{{/* What both the processes and Temporal's CLI read to reach the server. */}}
{{- define "orders.temporalEnv" }}
{{- with .Values.temporal }}
- name: TEMPORAL_ADDRESS
  value: {{ required "temporal.address is needed: the server's host:port" .address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ .namespace | quote }}
{{- with .apiKey.name }}
- name: TEMPORAL_API_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.Values.temporal.apiKey.key }}}}
{{- end }}
{{- if .tls.enabled }}
- name: TEMPORAL_TLS
  value: "true"
{{- end }}
{{- if .tls.clientSecret }}
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /etc/orders/temporal/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /etc/orders/temporal/tls.key
{{- end }}
{{- with .tls.serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ quote . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Go reads the authorities of all these folders, beside the system's file. */}}
{{- define "orders.trustEnv" }}
{{- if .Values.trustedCAs.configMap }}
- name: SSL_CERT_DIR
  value: /etc/ssl/certs:/etc/orders/ca
{{- end }}
{{- end -}}
