"""The steps from a folder of videos to scores, reports and benchmark tables, and their files.

Each folder imports only those before it:

- `files`: the files of a run, written atomically
- `videos`: finds videos and names them
- `truth`: annotations, frame counts and named protocols
- `extraction`: videos to feature files, on one machine or many
- `features`: all formats of feature sets behind one interface
- `steps`: labels, detector, scores
- `report`: events, plots, clips and the page
- `exports`: scores, events and the detector for other programs
- `evaluation`: scores against annotations
- `benchmark`: the paper's tables on whole data sets
- `settings`: settings of a run, of clips and of watching
- `results`: writes the events, plots and page of a run again
- `run`: all steps in order; `demo`, `demo_videos`: the same on generated videos
- `moving_cameras`: advice on the backbone
- `machine`: what is installed and what the machine can do
- `feedback`: answers to events as labels
- `watch`, `growing_results`, `notify`: the same for videos as they arrive
- `cli`: the command line
"""
