{{/* Names, labels and the pieces that every pod shares. */}}

{{- define "fluxrate.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "fluxrate.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "fluxrate.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "fluxrate.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* What tells one pod from another and never changes: (dict "root" $ "component" "api"). */}}
{{- define "fluxrate.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "fluxrate.labels" -}}
{{ include "fluxrate.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: fluxrate
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* What is of a pod and no container. */}}
{{- define "fluxrate.podSecurity" -}}
automountServiceAccountToken: false
# Variables that Kubernetes makes of a Service named fluxrate-… would begin as settings do.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
{{- if and .Values.temporal.tls.enabled .Values.temporal.tls.existingSecret }}
  - name: temporal-tls
    secret: {secretName: {{ .Values.temporal.tls.existingSecret | quote }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{/* The image, its rights, its one place to write. */}}
{{- define "fluxrate.container" -}}
image: {{ include "fluxrate.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- if and .Values.temporal.tls.enabled .Values.temporal.tls.existingSecret }}
  - {name: temporal-tls, mountPath: /etc/fluxrate/temporal, readOnly: true}
{{- end }}
{{- end -}}

{{/* The settings of every process; docker-compose.yml has the same. */}}
{{- define "fluxrate.environment" -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret | quote }}
      key: {{ .Values.database.urlKey | quote }}
- name: TEMPORAL_ADDRESS
  value: {{ .Values.temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ .Values.temporal.namespace | quote }}
{{- with .Values.temporal.tls }}
{{- if .enabled }}
- name: FLUXRATE_TEMPORAL_TLS
  value: "true"
{{- with .serverName }}
- name: FLUXRATE_TEMPORAL_TLS_NAME
  value: {{ . | quote }}
{{- end }}
{{- if .existingSecret }}
{{- with .caKey }}
- name: FLUXRATE_TEMPORAL_TLS_CA
  value: {{ printf "/etc/fluxrate/temporal/%s" . | quote }}
{{- end }}
{{- with .certificateKey }}
- name: FLUXRATE_TEMPORAL_TLS_CERTIFICATE
  value: {{ printf "/etc/fluxrate/temporal/%s" . | quote }}
{{- end }}
{{- with .keyKey }}
- name: FLUXRATE_TEMPORAL_TLS_KEY
  value: {{ printf "/etc/fluxrate/temporal/%s" . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
- name: FLUXRATE_SECRET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.existingSecret | quote }}
      key: {{ .Values.secrets.secretKeyKey | quote }}
- name: FLUXRATE_OPERATOR_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.existingSecret | quote }}
      key: {{ .Values.secrets.operatorTokenKey | quote }}
{{- range $name, $key := .Values.secrets.optionalKeys }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.secrets.existingSecret | quote }}
      key: {{ $key | quote }}
{{- end }}
- name: FLUXRATE_PUBLIC_URL
  value: {{ .Values.publicUrl | quote }}
{{- with .Values.temporal.uiUrl }}
- name: FLUXRATE_TEMPORAL_UI_URL
  value: {{ . | quote }}
{{- end }}
{{- if not (hasKey .Values.settings "FLUXRATE_PRODUCTION") }}
- name: FLUXRATE_PRODUCTION
  value: "true"
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{/* Where pods of a component may run: (dict "root" $ "component" "api" "values" .Values.api). */}}
{{- define "fluxrate.placement" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "fluxrate.selector" . | nindent 8 }}
{{- end }}
{{- end -}}
