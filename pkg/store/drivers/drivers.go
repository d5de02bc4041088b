// Package drivers links the object stores that package store can open: s3://,
// gs://, azblob://, file:// and mem://. Import it for its effect.
//
// They stand apart because they weigh 60 MB of a program and nothing of the
// measurement needs them.
package drivers

import (
	_ "gocloud.dev/blob/azureblob" // azblob://container
	_ "gocloud.dev/blob/fileblob"  // file:///folder
	_ "gocloud.dev/blob/gcsblob"   // gs://bucket
	_ "gocloud.dev/blob/memblob"   // mem://, for tests
	_ "gocloud.dev/blob/s3blob"    // s3://bucket
)
