import pandas as pd
import plotly.express as px

weeks = list(range(1, 13))
table = {
    'Search': [320, 340, 355, 348, 372, 401, 420, 415, 440, 468, 490, 512],
    'Social': [150, 162, 171, 190, 184, 205, 221, 240, 236, 251, 270, 288],
    'Email': [90, 88, 97, 104, 99, 110, 118, 112, 125, 131, 128, 140],
}
df = pd.DataFrame([(w, name, v) for name, series in table.items() for w, v in zip(weeks, series)],
                  columns=['week', 'channel', 'visits'])

fig = px.area(df, x='week', y='visits', color='channel',
              color_discrete_sequence=['#0d3b66', '#f4d35e', '#ee964b'])
fig.update_layout(title='Weekly Website Traffic', template='simple_white', width=900, height=480,
                  legend_title_text='Channel')
fig.add_vline(x=8, line_dash='dash', line_color='gray')
fig.add_annotation(x=8, y=900, text='campaign', showarrow=False, xshift=34)
fig.show()
