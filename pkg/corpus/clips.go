package corpus

// twoSets is the one clip that shows the easy one twice.
const twoSets = "two sets with a rest between"

// Clips lists the corpus.
func Clips() []Clip {
	var all []Clip
	for _, part := range []struct {
		group Group
		clips []Clip
	}{
		{Orientation, orientations()}, {Time, times()}, {Codec, codecs()}, {Scene, scenes()}, {Broken, broken()},
	} {
		for _, c := range part.clips {
			c.Group = part.group
			all = append(all, c)
		}
	}
	return all
}

// orientations are laid down as phones store them, with the display matrix that
// stands them up again; x' = a·x + c·y, y' = b·x + d·y.
func orientations() []Clip {
	return []Clip{
		{Name: "rotate 90", File: "rotate90.mp4", args: filtered("transpose=cclock"), after: displayed(0, 1, -1, 0)},
		{Name: "rotate 180", File: "rotate180.mp4", Slow: true, args: filtered("hflip,vflip"), after: displayed(-1, 0, 0, -1)},
		{Name: "rotate 270", File: "rotate270.mov", Slow: true, args: filtered("transpose=clock"), after: displayed(0, -1, 1, 0)},
		{Name: "selfie: mirrored and tagged", File: "selfie.mp4", Slow: true, args: filtered("hflip"), after: displayed(-1, 0, 0, 1)},
		{Name: "selfie lying on its side", File: "selfie90.mp4", args: filtered("hflip,transpose=cclock"), after: displayed(0, 1, 1, 0)},
		{Name: "mirrored", File: "mirrored.mp4", Slow: true, args: filtered("hflip"), Flipped: true},
	}
}

func times() []Clip {
	return []Clip{
		{Name: "variable rate", File: "variable.mp4", args: append([]string{
			"-vf", "select='not(eq(mod(n,7),3))*not(eq(mod(n,11),5))*not(between(mod(n,40),30,32))'", "-fps_mode", "vfr",
		}, h264...)},
		{Name: "23.976", File: "film.mp4", Slow: true, args: filtered("fps=24000/1001")},
		{Name: "60", File: "sixty.mp4", Slow: true, args: filtered("fps=60")},
		{Name: "240", File: "highspeed.mp4", args: filtered("fps=240"), Slow: true},
		{Name: "slow motion baked in", File: "slowmotion.mp4", CaptureFPS: 30, args: []string{
			"-c", "copy", "-bsf:v", "setts=pts=8*PTS:dts=8*DTS:duration=8*DURATION",
		}},
		{Name: "repeated times", File: "repeated.mkv", args: []string{
			"-c", "copy", "-bsf:v", "setts=pts=if(eq(mod(N\\,9)\\,4)\\,PTS-33/TB/1000\\,PTS)",
		}},
		{Name: "no times at all", File: "naked.h264", Slow: true, args: []string{"-c", "copy", "-bsf:v", "h264_mp4toannexb"}},
		{Name: "edit list", File: "edited.mp4", input: []string{"-ss", "0.3"}, args: []string{"-c", "copy"}},
		{Name: "sound outlasts the picture", File: "longsound.mp4", Slow: true, input: []string{"-f", "lavfi", "-i", "sine=d=12"}, args: []string{
			"-map", "1:v", "-map", "0:a", "-c:v", "copy", "-c:a", "aac",
		}},
		{Name: "transport stream starting at an odd hour", File: "late.ts", Slow: true, args: []string{
			"-c", "copy", "-bsf:v", "h264_mp4toannexb", "-output_ts_offset", "4711.5",
		}},
	}
}

func codecs() []Clip {
	x265 := []string{"-c:v", "libx265", "-preset", "ultrafast", "-crf", "18", "-tag:v", "hvc1"}
	// An ordinary picture in light, its white at 203 nits (ITU-R BT.2408).
	const linear = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,zscale=t=linear:npl=203,format=gbrpf32le,"
	with := func(more []string, args ...string) []string { return append(append([]string{}, more...), args...) }
	return []Clip{
		{Name: "HEVC", File: "hevc.mp4", Slow: true, args: with(x265, "-pix_fmt", "yuv420p", "-x265-params", "log-level=0")},
		{Name: "HEVC 10 bit, HDR (PQ)", File: "hdr.mov", args: with(x265,
			"-vf", linear+"zscale=p=bt2020:t=smpte2084:m=bt2020nc:r=tv:npl=203,format=yuv420p10le",
			"-pix_fmt", "yuv420p10le", "-x265-params", "log-level=0:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc")},
		{Name: "HEVC 10 bit, HDR (HLG)", File: "hlg.mov", Slow: true, args: with(x265,
			"-vf", linear+"zscale=p=bt2020:t=arib-std-b67:m=bt2020nc:r=tv:npl=203,format=yuv420p10le",
			"-pix_fmt", "yuv420p10le", "-x265-params", "log-level=0:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc")},
		{Name: "VP9 in WebM", File: "vp9.webm", Slow: true, args: []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "24", "-b:v", "0"}},
		{Name: "AV1", File: "av1.mp4", Slow: true, args: []string{"-c:v", "libsvtav1", "-preset", "12", "-crf", "28"}},
		{Name: "MJPEG in AVI", File: "mjpeg.avi", Slow: true, args: []string{"-c:v", "mjpeg", "-q:v", "3"}},
		{Name: "ProRes in MOV", File: "prores.mov", Slow: true, args: []string{"-c:v", "prores", "-profile:v", "0", "-pix_fmt", "yuv422p10le"}},
		{Name: "MPEG-2", File: "mpeg2.mpg", Slow: true, args: []string{"-c:v", "mpeg2video", "-q:v", "3"}},
		{Name: "odd size", File: "odd.mp4", Slow: true, args: with(h264, "-vf", "crop=357:639:1:0,format=yuv444p", "-pix_fmt", "yuv444p")},
		{Name: "pixels that are not square", File: "narrow.mp4", Slow: true, args: filtered("scale=270:640,setsar=4/3")},
		{Name: "interlaced", File: "interlaced.mp4", args: with(h264, "-vf", "fps=60,tinterlace=interleave_top,setfield=tff", "-flags", "+ilme+ildct")},
		{Name: "GIF", File: "animated.gif", args: []string{"-vf", "fps=25,split[a][b];[a]palettegen=max_colors=64[p];[b][p]paletteuse"}},
		{Name: "4K", File: "4k.mp4", args: with(h264, "-vf", "fps=10,scale=2160:3840:flags=bilinear", "-preset", "ultrafast"), Slow: true},
		{Name: "8K", File: "8k.mp4", args: with(h264, "-vf", "fps=10,scale=4320:7680:flags=bilinear", "-preset", "ultrafast"), Slow: true},
	}
}

func scenes() []Clip {
	return []Clip{
		// The reflection is the lifter again, smaller, the other way round, at the same time.
		{Name: "mirror on the wall", File: "mirror.mp4", args: composed(
			"split[a][b];[b]hflip,scale=216:384[m];[a]pad=600:640:0:0:0x8a8a86[p];[p][m]overlay=372:110[out]")},
		{Name: "a spotter who stands by", File: "spotter.mp4", args: composed(
			"split[a][b];[b]trim=end_frame=1,loop=-1:1,setpts=N/30/TB,scale=342:608,hflip[s];[a]pad=640:640:0:0:0x8a8a86[p];[p][s]overlay=298:16:shortest=1[out]")},
		// A strip of the first picture, lifter and all, passes in front for a second.
		{Name: "somebody walks through", File: "passer.mp4", args: composed(
			"split[a][b];[b]trim=end_frame=1,loop=-1:1,setpts=N/30/TB,crop=130:560:110:60,eq=saturation=0.3[s];[a][s]overlay=x='-130+500*(t-3.4)':y=80:shortest=1:enable='gte(t,3.4)'[out]")},
		{Name: "nobody there at first", File: "enters.mp4", args: filtered("tpad=start_duration=1.5:color=0x7a7a76")},
		{Name: "light switched off at the end", File: "leaves.mp4", Slow: true, args: filtered("tpad=stop_duration=1.5:color=black")},
		{Name: "camera bumped", File: "bumped.mp4", args: filtered("crop=340:610:x='if(gt(t,0.9),16,4)':y='if(gt(t,0.9),22,10)'")},
		{Name: "camera in the hand", File: "handheld.mp4", args: filtered(
			"crop=330:600:x='15+8*sin(2.1*t)+2*sin(11*t)':y='20+10*sin(1.4*t+1)+2*sin(13*t)'")},
		{Name: "camera pans", File: "pan.mp4", Slow: true, args: filtered("crop=250:640:x='20*t':y=0")},
		// The sway is found to a fraction of a pixel; what is left is that of clips of
		// this size coded anew, of which one in fifty is off by more than 7°.
		{Name: "camera tilts", File: "tilt.mp4", Slow: true, Within: 9, args: filtered("crop=360:560:x=0:y='16*t'")},
		{Name: "camera comes closer", File: "zoom.mp4", Slow: true, args: filtered(
			"zoompan=z='1+0.05*on/30':d=1:x='iw/2-(iw/zoom/2)':y='ih/2-(ih/zoom/2)':s=360x640:fps=30")},
		{Name: "camera rocks by 6°", File: "roll.mp4", Slow: true, args: filtered("rotate='0.1*sin(1.3*t)':fillcolor=gray")},
		{Name: "lights that flicker", File: "flicker.mp4", args: filtered("eq=brightness='0.18*sin(2*PI*7.3*t)':eval=frame")},
		{Name: "dark and noisy", File: "dark.mp4", args: filtered("eq=brightness=-0.2:contrast=0.7,noise=alls=8:allf=t")},
		// Ten pictures a second leave half of this repetition in doubt, thirty do not.
		{Name: "camera cut", File: "cut.mp4", args: composed(
			"split[a][b];[a]trim=0:0.8,setpts=PTS-STARTPTS,crop=240:426:60:130,scale=360:640[f];[b]trim=0.8,setpts=PTS-STARTPTS[g];[f][g]concat=n=2[out]"), Loses: true, Hides: true},
		{Name: "plate over the hip", File: "hip.mp4", paint: plateOverHip, Hides: true},
		// Without the ribs half of the angle is missing; hair that hangs on them is
		// taken for the back. The stated uncertainty covers it.
		{Name: "plate over the shoulder", File: "shoulder.mp4", paint: plateOverShoulder, Slow: true, Hides: true, Within: 9},
		{Name: "hood over the neck", File: "hood.mp4", paint: hood, Slow: true},
		{Name: "long hair", File: "hair.mp4", paint: longHair, Slow: true, Within: 8},
		{Name: "a dog walks through", File: "dog.mp4", paint: dog},
		// Shirt and shorts become black, and the wall a few grey levels lighter.
		{Name: "black clothes on a dark wall", File: "black.mp4", args: filtered(
			"format=yuv420p,lutyuv=y='16+max(0\\,val-105)*0.45':u='128+(val-128)*0.3':v='128+(val-128)*0.3',noise=alls=5:allf=t"), Hides: true},
		{Name: "a third of the light", File: "third.mp4", args: filtered("lutrgb=r=val*0.33:g=val*0.33:b=val*0.33,noise=alls=8:allf=t"), Hides: true},
		{Name: "an eighth of the light", File: "eighth.mp4", Slow: true, args: filtered("lutrgb=r=val*0.125:g=val*0.125:b=val*0.125,noise=alls=8:allf=t"), Hides: true},
		{Name: twoSets, File: "twosets.mp4", args: composed(
			"split=3[a][b][c];[b]trim=end_frame=1,loop=240:1,setpts=N/30/TB[rest];[a][rest][c]concat=n=3[out]"), Slow: true},
	}
}
