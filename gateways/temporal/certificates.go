package temporal

import "go.temporal.io/sdk/contrib/envconfig"

// CertificateFiles returns the files of certificates that Temporal's settings name: the client's own, and the CA of the server.
// Either may be empty.
func CertificateFiles() (client, ca string) {
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{})
	if err != nil || profile.TLS == nil {
		return "", "" // New reports what is wrong
	}
	return profile.TLS.ClientCertPath, profile.TLS.ServerCACertPath
}

// CertificateTexts returns the certificates that stand in Temporal's settings as PEM, by what they are for. They may be empty.
func CertificateTexts() map[string][]byte {
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{})
	if err != nil || profile.TLS == nil {
		return nil // New reports what is wrong
	}
	return map[string][]byte{"temporal_client": profile.TLS.ClientCertData, "temporal_ca": profile.TLS.ServerCACertData}
}
